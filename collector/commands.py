"""The command line of `footfalld`, and its verbs besides serve.

A verb works on the data directory itself while no daemon holds it, else through the daemon's control socket.
"""

import argparse
import asyncio
import getpass
import importlib.metadata
import os
import secrets
import shlex
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from collector import control
from collector.backup_verbs import add_verbs as add_backup_verbs
from collector.config import ENV_FILE, ConfigError, Secrets, load_secrets, load_settings
from collector.data_directory import LOCK_NAME, make_data_directory, require_owner
from collector.env_file import new_env_file
from collector.erase import add_verb as add_erase_verb
from collector.erase import erase_there, person_of
from collector.errors import CommandError
from collector.key_verbs import add_verbs as add_key_verbs
from collector.log_verbs import add_verbs as add_log_verbs
from collector.program import program
from collector.rebuild import REBUILD, rebuild_there
from collector.rederive import add_verb as add_rederive_verb
from collector.rederive import rederive_there
from collector.rejected_verbs import DaemonDesk, Desk, run_rejected
from collector.rejected_verbs import add_verbs as add_rejected_verbs
from collector.server import AddressUnusable
from collector.settings import Settings
from collector.wire.problem import RequestError
from storage.errors import DirectoryBusy, StorageError
from storage.files import replace_file
from storage.filesystem import LOCAL
from storage.lock import Lock
from storage.query.erasure import Person
from storage.suppression import SUPPRESSION_NAME
from storage.tombstones import FILE_NAME as REMOVED_NAME
from storage.user import User

PASSWORD_LINE_BYTES_MAX = 16 * 1024
CONTROL_TIMEOUT_S = 10.0


ADD_ADMIN = "admin add"
"""The verb on the command line and on the control socket."""


class Administrators(Protocol):
    """What `admin add` needs of the accounts."""

    async def add_admin(self, nickname: str, password: str) -> User:
        """Return the new administrator once it is stored; StorageError or RequestError when it is not."""


OpenAccounts = Callable[[Settings, Secrets], AbstractAsyncContextManager[Administrators]]
"""Opens the accounts of the data directory; its lock is held meanwhile."""

Here = Callable[[Settings, Secrets], Coroutine[None, None, None]]
"""Does a verb's work with a store of its own; the lock of the data directory is held meanwhile."""

AtDesk = Callable[[Desk], Coroutine[None, None, None]]
"""Does what is asked about rejected items."""


EXPECTED = (ConfigError, CommandError, AddressUnusable, control.ControlError, StorageError, RequestError, OSError)
"""What a person at the command line can act on: shown as one line, without a traceback."""


def parser() -> argparse.ArgumentParser:
    """Return the parser; `verb` of what it parses is the verb with its words, such as "admin add"."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--config", type=Path, metavar="FILE", help="settings (default: ./config.toml, may be missing)")
    flags.add_argument("--env-file", type=Path, metavar="FILE", help="secrets (default: ./.env)")
    flags.add_argument("--data", metavar="DIR", help="directory of everything durable (default: ./data)")
    flags.add_argument("--host", metavar="H", help="address to listen on (default: 127.0.0.1)")
    flags.add_argument("--port", type=int, metavar="N", help="port to listen on (default: 8080)")

    root = argparse.ArgumentParser(prog="footfalld", description="The daemon of Footfall.")
    root.add_argument("--version", action="version", version=f"footfalld {importlib.metadata.version('footfall')}")
    verbs = root.add_subparsers(required=True, metavar="VERB")
    init = verbs.add_parser("init", parents=[flags], help="write .env with generated secrets, make the data directory")
    init.set_defaults(verb="init")
    serve = verbs.add_parser("serve", parents=[flags], help="run the daemon in the foreground")
    serve.set_defaults(verb="serve")
    rebuild = verbs.add_parser("rebuild", parents=[flags], help="fill the statistics' database again from the log")
    rebuild.set_defaults(verb=REBUILD)
    admin = verbs.add_parser("admin", help="administrators").add_subparsers(required=True, metavar="VERB")
    add = admin.add_parser("add", parents=[flags], help="add an administrator")
    add.add_argument("nickname", metavar="NICKNAME")
    add.add_argument("--password-stdin", action="store_true", help="read the password as one line of standard input")
    add.set_defaults(verb=ADD_ADMIN)
    add_erase_verb(verbs, flags)
    add_rederive_verb(verbs, flags)
    add_key_verbs(verbs, flags)
    add_log_verbs(verbs, flags)
    add_backup_verbs(verbs, flags)
    add_rejected_verbs(verbs, flags)
    return root


def exit_status(command: Callable[[], None]) -> int:
    """Return the exit status of a verb; errors that a person can act on become one line on standard error."""
    try:
        command()
    except EXPECTED as error:
        print(f"footfalld: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings that the parsed flags, the environment and config.toml give; ConfigError as there."""
    return load_settings(
        arguments.config, os.environ, data_dir=arguments.data, host=arguments.host, port=arguments.port
    )


def run_init(arguments: argparse.Namespace) -> None:
    """Write the .env file unless there is one, and make the data directory; ConfigError when what is there is unfit."""
    settings = settings_of(arguments)
    env_file = arguments.env_file or ENV_FILE
    if _write_new(env_file, new_env_file()):
        print(f"wrote {env_file} with new secrets, mode 0600; keep a copy in a safe place")
    else:
        load_secrets(env_file)
        print(f"{env_file} is there already and good; left as it is")
    make_data_directory(settings.data.dir)
    print(f"data directory {settings.data.dir} is ready, mode 0700")
    again = program("footfalld")
    print(f"next: {again} admin add NICKNAME{_flags(arguments)}; {again} serve{_flags(arguments)}")


def _write_new(path: Path, text: str) -> bool:
    """Write a whole new private file; False, and nothing changed, where one is there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    replace_file(draft, text.encode())
    try:
        # Unlike a rename, a link never replaces: of two inits at once one wins.
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
        LOCAL.sync_directory(path.parent)
    return True


def _flags(arguments: argparse.Namespace) -> str:
    names = ("config", "env_file", "data", "host", "port")
    given = [(f"--{name.replace('_', '-')}", getattr(arguments, name)) for name in names]
    return "".join(f" {flag} {shlex.quote(str(value))}" for flag, value in given if value is not None)


class _NewAdmin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    nickname: str
    password: str


def run_admin_add(arguments: argparse.Namespace, open_accounts: OpenAccounts) -> None:
    """Add an administrator with a password from the prompt or standard input; the error says what to do instead."""
    settings = settings_of(arguments)
    if settings.identity.provider_url:
        raise CommandError(f"the accounts are those of {settings.identity.provider_url}: add an administrator there")
    directory = settings.data.dir
    if not directory.is_dir():
        raise CommandError(f"{directory}: no such data directory; run `footfalld init`")
    require_owner(directory)
    new = _NewAdmin(arguments.nickname, _password(from_stdin=arguments.password_stdin))
    lock = Lock(directory / LOCK_NAME)
    try:
        lock.acquire()
    except DirectoryBusy:
        control.ask(directory / control.SOCKET_NAME, ADD_ADMIN, msgspec.to_builtins(new), CONTROL_TIMEOUT_S)
    else:
        try:
            asyncio.run(_add_admin(new, open_accounts(settings, load_secrets(arguments.env_file))))
        finally:
            lock.release()
    print(f"added the administrator {new.nickname!a}")


def run_rebuild(arguments: argparse.Namespace, here: Here) -> None:
    """Fill the store again; `here` does it where no daemon holds the lock."""
    _here_or_there(arguments, here, lambda path: rebuild_there(path, CONTROL_TIMEOUT_S))


def run_rederive(arguments: argparse.Namespace, here: Callable[[bool], Here]) -> None:
    """Derive stored events again; `here` does it where no daemon holds the lock."""
    is_dry_run: bool = arguments.dry_run
    _here_or_there(arguments, here(is_dry_run), lambda path: rederive_there(path, is_dry_run=is_dry_run))


def run_erase(arguments: argparse.Namespace, here: Callable[[Person], Here]) -> None:
    """Erase a person; `here` does it where no daemon holds the lock."""
    person = person_of(arguments, _typed)
    _here_or_there(arguments, here(person), lambda path: erase_there(person, path, CONTROL_TIMEOUT_S))
    stay = f"{SUPPRESSION_NAME} and {REMOVED_NAME}, which backups need, stay"
    print(f"erased from log, archive and statistics, with the account if there was one; {stay}")


def run_rejected_verb(arguments: argparse.Namespace, here: Callable[[AtDesk], Here]) -> None:
    """List, show or replay rejected items; `here` does it where no daemon holds the lock."""

    async def work(desk: Desk) -> None:
        await run_rejected(arguments, desk)

    _here_or_there(arguments, here(work), lambda path: work(DaemonDesk(path, CONTROL_TIMEOUT_S)))


def _here_or_there(
    arguments: argparse.Namespace, here: Here, there: Callable[[Path], Coroutine[None, None, None]]
) -> None:
    """Work on the data directory itself, or where a daemon holds its lock through the control socket."""
    settings = settings_of(arguments)
    directory = settings.data.dir
    if not directory.is_dir():
        raise CommandError(f"{directory}: no such data directory; run `footfalld init`")
    require_owner(directory)
    lock = Lock(directory / LOCK_NAME)
    try:
        lock.acquire()
    except DirectoryBusy:
        asyncio.run(there(directory / control.SOCKET_NAME))
    else:
        try:
            asyncio.run(here(settings, load_secrets(arguments.env_file)))
        finally:
            lock.release()


def _typed(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask on; say --yes")
    try:
        return input(prompt)
    except EOFError:
        return ""


def control_verbs(accounts: Administrators) -> dict[str, control.Verb]:
    """Return what a running daemon does for the command line: the verbs of its ControlServer."""

    async def add_admin(arguments: control.Arguments) -> control.Arguments:
        new = msgspec.convert(arguments, _NewAdmin)
        user = await accounts.add_admin(new.nickname, new.password)
        return {"user_id": user.user_id}

    return {ADD_ADMIN: add_admin}


async def _add_admin(new: _NewAdmin, opening: AbstractAsyncContextManager[Administrators]) -> None:
    async with opening as accounts:
        await accounts.add_admin(new.nickname, new.password)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return _password_line()
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask for the password on; use --password-stdin")
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Once more: ")
    except EOFError:
        raise CommandError("no password was given; nothing was added") from None
    if password != again:
        raise CommandError("the two passwords differ; nothing was added")
    return password


def _password_line() -> str:
    line = sys.stdin.buffer.readline(PASSWORD_LINE_BYTES_MAX)
    try:
        password = line.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise CommandError("the password on stdin is not UTF-8") from None
    if not password:
        raise CommandError("there is no password on stdin; send it as one line")
    return password
