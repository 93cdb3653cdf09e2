"""How texts of the command line are read, with what is wrong said to the user."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from collector.wire.problem import QueryInvalid
from collector.wire.receipt import read_receipt

Value = TypeVar("Value")


def told(reader: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return the reader with its ValueError said to the user; argparse would hide the text."""

    def read(text: str) -> Value:
        try:
            return reader(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def number(most: int) -> Callable[[str], int]:
    """Return the reader of a whole number from 1 to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and 0 < int(text) <= most):
            raise argparse.ArgumentTypeError(f"should be a number from 1 to {most}")
        return int(text)

    return read


def receipt(text: str) -> str:
    """Return the receipt; ValueError where it is none."""
    try:
        read_receipt(text)
    except QueryInvalid:
        raise ValueError("should look like <log_id>:<offset>") from None
    return text
