"""The arguments of `footfall`: what is wrong with them is said before anything is asked of a daemon."""

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from console.period import FORMS, period
from console.token_file import FILE_VARIABLE, default_token_file

URL = "http://127.0.0.1:8080"
URL_VARIABLE = "FOOTFALL_URL"
DIMENSIONS = ("user", "page", "hour", "day", "week", "month")
FILTERS = ("user_id", "page_url")
ROWS = 20

_HOST = re.compile(r"[a-z0-9.:_-]+")

Value = TypeVar("Value")


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser; `command` of what it parses is None when none was given."""
    root = argparse.ArgumentParser(prog="footfall", description="The terminal of Footfall.")
    _add_connection(root, url=environ.get(URL_VARIABLE) or URL, token_file=default_token_file(environ))
    # The same flags behind the command, without defaults that would undo those before it.
    connection = argparse.ArgumentParser(add_help=False)
    _add_connection(connection, url=argparse.SUPPRESS, token_file=argparse.SUPPRESS)
    commands = root.add_subparsers(dest="command", metavar="COMMAND")

    status = commands.add_parser("status", parents=[connection], help="say whether the daemon is well")
    status.add_argument("--json", action="store_true", help="print JSON")

    top = commands.add_parser("top", parents=[connection], help="count visits and visitors by one dimension")
    top.add_argument("dimension", metavar="DIM", choices=DIMENSIONS, help=", ".join(DIMENSIONS))
    top.add_argument(
        "--where", metavar="K=V", type=_read(_filter), action="append", default=[], help=", ".join(FILTERS)
    )
    top.add_argument("--period", metavar="P", type=_read(period), help=f"{FORMS}; default: everything")
    top.add_argument(
        "-n", dest="rows_max", metavar="N", type=_read(_rows_max), default=ROWS, help="rows at most (%(default)s)"
    )
    top.add_argument("--json", action="store_true", help="print the daemon's answer as JSON")

    signin = commands.add_parser("signin", parents=[connection], help="sign in and keep the token in the token file")
    signin.add_argument("nickname", metavar="NICKNAME")
    signin.add_argument("--password-stdin", action="store_true", help="read the password as one line of stdin")
    return root


def _add_connection(target: argparse.ArgumentParser, *, url: str, token_file: Path | str) -> None:
    target.add_argument("--url", type=_read(_url), default=url, help=f"the daemon ({URL_VARIABLE}, else {URL})")
    target.add_argument(
        "--token-file", metavar="FILE", type=Path, default=token_file, help=f"the token ({FILE_VARIABLE})"
    )


def _read(reader: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return the reader with its ValueError said to the user; argparse would hide the text."""

    def read(text: str) -> Value:
        try:
            return reader(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.username is not None or parts.password is not None:
        raise ValueError("should hold no password: other users of this machine can read it; use `footfall signin`")
    plain = _HOST.fullmatch(parts.hostname or "") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not plain or parts.port == 0:
        raise ValueError(f"should look like {URL}")
    return text


def _filter(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if key not in FILTERS or not equals:
        raise ValueError(f"should be K=V with K one of {', '.join(FILTERS)}")
    return key, value


def _rows_max(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError("should be a number from 1 on")
    return int(text)
