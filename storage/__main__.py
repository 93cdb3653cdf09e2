"""The store process: batcher, DuckDB and queries; started by the front, ends when the front does."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from storage.archiver import Archiver
from storage.batcher import Batcher
from storage.duckdb.aside import condemn
from storage.duckdb.store import DuckDBStore
from storage.eraser import Eraser
from storage.errors import StorageError, StoreDamaged
from storage.files import make_directory
from storage.lock import Lock
from storage.logs import configure_logs
from storage.rebuild import Rebuild
from storage.rederivation import Rederivation
from storage.settings import StoreSettings
from storage.store_server import StoreServer
from storage.suppression import SUPPRESSION_NAME, Suppression
from storage.wal.archive import Archive
from storage.wal.reader import LogReader
from storage.wal.segments import Segments

NICENESS = 19
OOM_SCORE = 500
"""When memory runs out the kernel takes the store first: it is restarted and loses nothing."""

PRIVATE = 0o077
ASKED = "footfalld rebuild"

log = structlog.get_logger()


def main() -> int:
    """Run until the link closes or SIGTERM; 1 after a failure that a restart may mend."""
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=StoreSettings)
    configure_logs(settings.log_level, settings.log_format)
    _be_modest()
    os.umask(PRIVATE)  # DuckDB asks for no mode of its files
    # ctrl-c goes to the whole foreground group; the front decides when the store ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    directory = Path(settings.data) / "store"
    make_directory(directory)
    try:
        # The store of a front that died may still be finishing its last transaction.
        with Lock(directory / "LOCK").acquire(wait_s=None):
            asyncio.run(_serve(settings, directory))
    except StorageError as error:
        log.error("store_ended", reason=str(error))
        return 1
    return 0


async def _serve(settings: StoreSettings, directory: Path) -> None:
    data = Path(settings.data)
    suppression = Suppression(data / SUPPRESSION_NAME, settings.erasure_key)
    suppression.open()
    if settings.rebuild:
        condemn(directory / "events.duckdb", ASKED)
    store = DuckDBStore(
        directory / "events.duckdb",
        memory_limit_mb=settings.memory_limit_mb,
        threads=settings.threads,
        temp_directory=directory / "tmp",
        quarantine=data / "quarantine",
        suppression=suppression,
        rejected_bytes_max=settings.rejected_bytes_max,
    )
    eraser = Eraser(suppression, _segments(data), store, data / "quarantine", clock=_now)
    archiver = Archiver(_segments(data), eraser)
    reader = LogReader(_segments(data), data / "quarantine")
    rebuild = Rebuild(reader, store)
    rederivation = Rederivation(store)
    batcher = Batcher(
        reader,
        store,
        directory / "spool.ndjson",
        batch_age_s=settings.batch_age_s,
        batch_events=settings.batch_events,
        batch_bytes_max=settings.batch_bytes_max,
        checkpoint_s=settings.checkpoint_s,
        checkpointed=archiver.settle,
        eraser=eraser,
        rebuild=rebuild,
        rederivation=rederivation,
        emulate_slow_s=settings.emulate_slow_s,
    )
    server = StoreServer(
        store.reader,
        batcher.progress,
        refuse=rebuild.refuse_a_part,
        erase=eraser.begin,
        rederive=rederivation.ask,
        query_threads=settings.query_threads,
        query_timeout_s=settings.query_timeout_s,
    )
    with store, condemning(store):
        rebuild.begin()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_in_thread(batcher))
            tasks.create_task(_in_thread(archiver))
            tasks.create_task(_answer(server, socket.socket(fileno=settings.link), [batcher, archiver]))


@contextlib.contextmanager
def condemning(store: DuckDBStore) -> Iterator[None]:
    """Raise what ended the start or the tasks; where it was damage, the next start sets the files aside."""
    try:
        yield
    except BaseExceptionGroup as group:  # of the tasks; what they ended for goes on
        damage = group.subgroup(StoreDamaged)
        if damage is not None:
            store.condemn(str(damage.exceptions[0]))
        raise group.exceptions[0] from group
    except StoreDamaged as damage:
        store.condemn(str(damage))
        raise


def _now() -> datetime:
    return datetime.now(UTC)


def _segments(data: Path) -> Segments:
    return Segments(data / "log", Archive(data / "archive"))


async def _in_thread(worker: Batcher | Archiver) -> None:
    running = asyncio.get_running_loop().run_in_executor(None, worker.run)
    try:
        await asyncio.shield(running)
    finally:
        worker.stop()
        await running


async def _answer(server: StoreServer, link: socket.socket, workers: Sequence[Batcher | Archiver]) -> None:
    # A signal ends the process as the front's end does: by end of file.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, link.shutdown, socket.SHUT_RDWR)
    try:
        await server.serve(link)
    finally:
        for worker in workers:
            worker.stop()


def _be_modest() -> None:
    os.nice(NICENESS - os.nice(0))
    with contextlib.suppress(OSError):  # not Linux, or a container that forbids it: the priority is a courtesy
        Path("/proc/self/oom_score_adj").write_text(f"{OOM_SCORE}\n", encoding="ascii")


if __name__ == "__main__":
    sys.exit(main())
