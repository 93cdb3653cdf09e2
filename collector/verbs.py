"""What the verbs of `footfalld` besides serve run, with the adapters that they need."""

import argparse
import functools
from collections.abc import Callable
from pathlib import Path

from collector.adapters import (
    built_in_of,
    erasure_of,
    event_door,
    keys_of,
    log_format,
    now,
    open_accounts,
    open_identity,
    store_process,
    untold,
    write_ahead_log,
)
from collector.administration.rejected import Rejected
from collector.backup_verbs import run_backup, run_restore
from collector.commands import (
    AtDesk,
    run_admin_add,
    run_erase,
    run_init,
    run_rebuild,
    run_rederive,
    run_rejected_verb,
    settings_of,
)
from collector.config import ENV_FILE, Secrets
from collector.data_directory import held, make_data_directory
from collector.erase import end_of_all, erase_here
from collector.key_verbs import run_keys
from collector.log_verbs import run_log
from collector.rebuild import rebuild_here
from collector.rederive import rederive_here
from collector.settings import Settings
from collector.tracking.replay import Replay
from storage.app_files import AppFiles
from storage.logs import configure_logs
from storage.query.erasure import Person
from storage.store_client import StoreClient
from storage.wal.archive import Archive
from storage.wal.segments import Segments


def _copy(arguments: argparse.Namespace, data: Path) -> None:
    env_file = arguments.env_file or ENV_FILE
    if arguments.verb == "backup":
        run_backup(arguments.directory, data, env_file, now())
        return
    make_data_directory(data)
    with held(data):
        run_restore(arguments.directory, data, env_file)


async def _rebuild_here(settings: Settings, secrets: Secrets) -> None:
    client = _client(settings)
    await rebuild_here(store_process(settings, secrets, client), client)


async def _rederive_here(is_dry_run: bool, settings: Settings, secrets: Secrets) -> None:  # noqa: FBT001 - bound first
    client = _client(settings)
    await rederive_here(client, store_process(settings, secrets, client), is_dry_run=is_dry_run)


async def _erase_here(person: Person, settings: Settings, secrets: Secrets) -> None:
    log_ids = Segments(settings.data.dir / "log", Archive(settings.data.dir / "archive")).log_ids()
    client = _client(settings)
    process = store_process(settings, secrets, client) if log_ids else None
    async with open_identity(settings, secrets, untold) as identity:
        erasure = erasure_of(settings, secrets, identity, client, end_of_all(log_ids))
        await erase_here(person, erasure, client, process)


async def _rejected_here(work: AtDesk, settings: Settings, secrets: Secrets) -> None:
    client = _client(settings)
    async with (
        AppFiles(settings.data.dir / "apps") as apps,
        write_ahead_log(settings) as log,
        store_process(settings, secrets, client).running(),
    ):
        await work(Rejected(client, Replay(log, event_door(settings), apps, built_in_of(settings))))


def _client(settings: Settings) -> StoreClient:
    configure_logs("warning", log_format(settings))
    return StoreClient(query_timeout_s=settings.store.query_timeout_s)


VERBS: dict[str, Callable[[argparse.Namespace], None]] = {
    "init": run_init,
    "admin": lambda arguments: run_admin_add(arguments, open_accounts),
    "rebuild": lambda arguments: run_rebuild(arguments, _rebuild_here),
    "rederive": lambda arguments: run_rederive(arguments, lambda dry: functools.partial(_rederive_here, dry)),
    "erase": lambda arguments: run_erase(arguments, lambda person: functools.partial(_erase_here, person)),
    "keys": lambda arguments: run_keys(arguments, keys_of),
    "log": lambda arguments: run_log(arguments, settings_of(arguments).data.dir),
    "backup": lambda arguments: _copy(arguments, settings_of(arguments).data.dir),
    "rejected": lambda arguments: run_rejected_verb(arguments, lambda work: functools.partial(_rejected_here, work)),
    "restore": lambda arguments: _copy(arguments, settings_of(arguments).data.dir),
}
"""By the first word of the verb."""
