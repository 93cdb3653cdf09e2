"""The decode boundary: bytes of the daemon become shapes whose texts are clean, or JSON that is ASCII only."""

import json
from typing import TypeVar

import msgspec

from collector.wire.problem import Problem
from console.errors import AnswerUnreadable, Refused
from console.text import clean, cleaned

Shape = TypeVar("Shape")


def read(raw: bytes, shape: type[Shape]) -> Shape:
    """Return the answer as a shape with every text cleaned; members that the shape lacks are passed over.

    Raises:
        AnswerUnreadable: it is not JSON, or lacks a member.
    """
    try:
        return msgspec.convert(cleaned(decoded(raw)), shape)
    except msgspec.ValidationError as error:
        raise AnswerUnreadable(f"the daemon answered in a shape of another version: {clean(str(error))}") from None


def escaped(raw: bytes) -> str:
    """Return the answer as one line of JSON in ASCII: escapes keep the terminal safe and lose nothing.

    Raises:
        AnswerUnreadable: it is not JSON.
    """
    return json_line(decoded(raw))


def json_line(tree: object) -> str:
    """Return one line of JSON in ASCII, without its end."""
    # DEL is the one control character that json leaves as it is; it can only stand inside a text.
    return json.dumps(tree, ensure_ascii=True).replace("\x7f", "\\u007f")


def refusal(status: int, raw: bytes) -> Refused:
    """Return the error of an answer that is a problem; AnswerUnreadable where it is none."""
    problem = read(raw, Problem)
    return Refused(status, problem.code, problem.detail)


def decoded(raw: bytes) -> object:
    """Return what the answer decodes to, its texts as strangers wrote them; raises AnswerUnreadable as `read` does."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AnswerUnreadable(f"the daemon's answer is not JSON: {clean(str(error))}") from None
