"""The arguments of `footfall`: what is wrong with them is said before anything is asked of a daemon."""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from console.admin_arguments import add_audit, add_users
from console.app_arguments import add_apps, add_pivot, add_rejected
from console.argument_types import receipt as receipt_text
from console.argument_types import told
from console.errors import UsageError
from console.period import FORMS, period
from console.profiles import LOCAL, PROFILE_VARIABLE, Profile, profile_file, read_profile
from console.token_file import FILE_VARIABLE, default_token_file

URL = "http://127.0.0.1:8080"
URL_VARIABLE = "FOOTFALL_URL"
DIMENSIONS = ("user", "page", "hour", "day", "week", "month")
FILTERS = ("user_id", "page_url")
ROWS = 20

_HOST = re.compile(r"[a-z0-9.:_-]+")


def parser() -> argparse.ArgumentParser:
    """Return the parser; `command` of what it parses is None when none was given."""
    root = argparse.ArgumentParser(
        prog="footfall", description="The terminal of Footfall. Without a command it opens the console."
    )
    root.add_argument("--version", action=_Version, help="print the version and leave")
    _add_connection(root, default=None)
    # The same flags behind the command, without defaults that would undo those before it.
    connection = argparse.ArgumentParser(add_help=False)
    _add_connection(connection, default=argparse.SUPPRESS)
    commands = root.add_subparsers(dest="command", metavar="COMMAND")

    status = commands.add_parser("status", parents=[connection], help="say whether the daemon is well")
    status.add_argument("--json", action="store_true", help="print JSON")

    top = commands.add_parser("top", parents=[connection], help="count visits and visitors by one dimension")
    top.add_argument("dimension", metavar="DIM", choices=DIMENSIONS, help=", ".join(DIMENSIONS))
    top.add_argument("--where", metavar="K=V", type=told(_filter), action="append", default=[], help=", ".join(FILTERS))
    top.add_argument("--period", metavar="P", type=told(period), help=f"{FORMS}; default: everything")
    top.add_argument(
        "-n", dest="rows_max", metavar="N", type=told(_rows_max), default=ROWS, help="rows at most (%(default)s)"
    )
    top.add_argument("--json", action="store_true", help="print the daemon's answer as JSON")

    receipt = commands.add_parser("receipt", parents=[connection], help="say where the event of a receipt is")
    receipt.add_argument("receipt", metavar="RECEIPT", type=told(receipt_text), help="<log_id>:<offset>")
    receipt.add_argument("--json", action="store_true", help="print the daemon's answer as JSON")

    live = commands.add_parser("live", parents=[connection], help="print events as they come in, until ctrl-c")
    live.add_argument("--json", action="store_true", help="print each event as a line of JSON")

    add_users(commands, connection)
    add_audit(commands, connection)
    add_apps(commands, connection)
    add_rejected(commands, connection)
    add_pivot(commands, connection)

    signin = commands.add_parser("signin", parents=[connection], help="sign in and keep the token in the token file")
    signin.add_argument("nickname", metavar="NAME", help="nickname or e-mail")
    signin.add_argument("--password-stdin", action="store_true", help="read the password as one line of stdin")
    return root


def connect(arguments: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Put `profile`, `url` and `token_file` where they were not given: from the profile, else the environment.

    Raises:
        UsageError: there is no such profile.
    """
    name = arguments.profile or environ.get(PROFILE_VARIABLE)
    profile = read_profile(profile_file(environ), name) if name else Profile(environ.get(URL_VARIABLE) or URL)
    try:
        arguments.url = _url(arguments.url or profile.url)
    except ValueError as error:
        raise UsageError(f"{arguments.url or profile.url}: {error}") from None
    arguments.profile = name or LOCAL
    if arguments.token_file is None:
        given = profile.token_file and Path(profile.token_file).expanduser()
        arguments.token_file = given or default_token_file(environ, name)


class _Version(argparse.Action):
    """Looks the version up only where it is asked for: that takes as long as all else that --help loads."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:  # noqa: A002 - argparse's name
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import importlib.metadata  # noqa: PLC0415 - as said above

        sys.stdout.write(f"footfall {importlib.metadata.version('footfall')}\n")
        parser.exit()


def _add_connection(target: argparse.ArgumentParser, *, default: str | None) -> None:
    target.add_argument("--url", type=told(_url), default=default, help=f"the daemon ({URL_VARIABLE}, else {URL})")
    target.add_argument("--token-file", metavar="FILE", type=Path, default=default, help=f"the token ({FILE_VARIABLE})")
    target.add_argument(
        "--profile", metavar="NAME", default=default, help=f"a daemon of profiles.toml ({PROFILE_VARIABLE})"
    )


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
