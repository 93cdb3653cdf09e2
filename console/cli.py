"""The command line of `footfall`. stdout is data, stderr is words; importing it loads nothing that takes long."""

import argparse
import asyncio
import getpass
import io
import os
import select
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from console.arguments import connect, parser
from console.credentials import kept_credentials
from console.errors import OTP_REQUIRED, ConsoleError, Refused, Unreachable, UsageError
from console.text import say
from console.token_file import state_directory

if TYPE_CHECKING:
    from console.report import Report

    SignIn = Callable[[argparse.Namespace, str, str | None], Coroutine[None, None, Report]]

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_INTERRUPTED = 0, 1, 2, 3, 130
EXIT_HANGUP = 129
"""Of a shell's program that SIGHUP ended."""

SECRET_LINE_BYTES_MAX = 16 * 1024
SIGNIN_HINT = "run `footfall signin NAME`"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 ok, 1 failed or degraded, 2 usage, 3 unreachable, 130 ctrl-c."""
    root = parser()
    arguments = root.parse_args(argv)
    try:
        connect(arguments, os.environ)
        return _open_console(arguments, root) if arguments.command is None else _show(_run(arguments))
    except ConsoleError as error:
        say(f"{error}; {SIGNIN_HINT}" if isinstance(error, Refused) and error.code in SIGNIN_CODES else str(error))
        return _exit_status(error)
    except BrokenPipeError:
        # The reader of stdout went away; without this the interpreter complains once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except OSError as error:
        say(str(error))
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _open_console(arguments: argparse.Namespace, root: argparse.ArgumentParser) -> int:
    # Textual draws on stderr; whoever sends stdout elsewhere wants data.
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        root.print_help(sys.stderr)
        raise UsageError("the console needs a terminal; without one there are only the commands")
    from console.app import Connection, FootfallApp  # noqa: PLC0415 - Textual takes longer to load than --help may

    credentials = kept_credentials(arguments.token_file, os.environ)
    connection = Connection(arguments.url, arguments.profile, credentials, arguments.token_file)
    app = FootfallApp(
        connection, crash_directory=state_directory(os.environ) / "crashes", ascii_only=not _shows_braille()
    )
    threading.Thread(target=_end_with_terminal, daemon=True).start()
    app.run()
    if app.crashed:
        say(app.crashed)
    return app.return_code or EXIT_OK


def _end_with_terminal() -> None:
    """End the process once its terminal is gone: Textual would look for keys there for ever, on a core of its own."""
    hangup = select.poll()
    hangup.register(sys.stderr.fileno(), 0)
    hangup.poll()
    os._exit(EXIT_HANGUP)


def _shows_braille() -> bool:
    return sys.stderr.encoding.lower().startswith("utf") and os.environ.get("TERM") not in PLAIN_TERMINALS


PLAIN_TERMINALS = frozenset({"linux", "vt100", "vt220"})
"""Terminals whose fonts have no braille."""

SIGNIN_CODES = frozenset({"token_missing", "invalid_token", "session_expired", "refresh_token_reused"})


def _run(arguments: argparse.Namespace) -> "Report":
    from console import commands  # noqa: PLC0415 - the HTTP client takes longer to load than --help may take

    match arguments.command:
        case "signin":
            return _signed_in(arguments, commands.run_signin)
        case "top":
            return asyncio.run(commands.run_top(arguments, os.environ, datetime.now(UTC)))
        case "pivot":
            return asyncio.run(commands.run_pivot(arguments, os.environ, datetime.now(UTC)))
        case command:
            if not getattr(arguments, "yes", True):
                _confirm(arguments.user if command == "users" else arguments.app)
            return asyncio.run(commands.RUNS[command](arguments, os.environ))


def _signed_in(arguments: argparse.Namespace, run: "SignIn") -> "Report":
    # Asked before a loop runs, which would keep ctrl-c from the prompt.
    password = _secret("password", from_stdin=arguments.password_stdin)
    try:
        return asyncio.run(run(arguments, password, None))
    except Refused as error:
        if error.code != OTP_REQUIRED:
            raise
    return asyncio.run(run(arguments, password, _secret("code", from_stdin=arguments.password_stdin)))


def _confirm(name: str) -> None:
    """Return once the name was typed again; UsageError otherwise."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on; say --yes")
    say(f"This cannot be undone. Type {name!a} to go on.")
    try:
        typed = input()
    except EOFError:
        typed = ""
    if typed != name:
        raise UsageError("that is another name; nothing was done")


def _secret(name: str, *, from_stdin: bool) -> str:
    """Return what the prompt or the next line of standard input gives."""
    if from_stdin:
        return _secret_line(name)
    if not sys.stdin.isatty():
        raise UsageError(f"there is no terminal to ask for the {name} on; use --password-stdin")
    try:
        return getpass.getpass(f"{name.capitalize()}: ")
    except EOFError:
        raise UsageError(f"no {name} was given") from None


def _secret_line(name: str) -> str:
    line = sys.stdin.buffer.readline(SECRET_LINE_BYTES_MAX)
    try:
        secret = line.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise UsageError(f"the {name} on stdin is not UTF-8") from None
    if not secret:
        raise UsageError(f"there is no {name} on stdin; send it as one line")
    return secret


def _show(report: "Report") -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that is not UTF-8 still shows every row.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(report.text)
    sys.stdout.flush()
    for words in report.words:
        say(words)
    return EXIT_FAILED if report.degraded else EXIT_OK


def _exit_status(error: ConsoleError) -> int:
    if isinstance(error, Unreachable):
        return EXIT_UNREACHABLE
    return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
