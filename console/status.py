"""`footfall status`: whether the daemon is well, and how far the store is behind the log."""

from datetime import datetime
from http import HTTPStatus

import msgspec

from collector.wire.health import DiskUsage, Health, Ledger, LogHealth, StoreHealth, Version
from console.answers import escaped, read, refusal
from console.client import Answer, Client
from console.errors import Refused
from console.report import Report
from console.table import fields

Pairs = list[tuple[str, str]]

DETAIL_HINT = "details are shown to administrators: run `footfall signin NAME`"


async def status(client: Client, *, as_json: bool) -> Report:
    """Return how the daemon is; degraded unless it says ok and accepts tracking. Raises as `Client.get` does."""
    health, ready, version = await client.get("health"), await client.ask("GET", "ready"), await client.get("version")
    found, refused = read(health, Health), _refused(ready)
    text = _json(health, ready.raw, version) if as_json else fields(_pairs(found, refused, read(version, Version)))
    words = (DETAIL_HINT,) if found.log is msgspec.UNSET else ()
    return Report(text, words, degraded=found.status != "ok" or refused is not None)


def _refused(ready: Answer) -> Refused | None:
    return None if ready.status == HTTPStatus.OK else refusal(ready.status, ready.raw)


def _json(health: bytes, ready: bytes, version: bytes) -> str:
    return f'{{"health": {escaped(health)}, "ready": {escaped(ready)}, "version": {escaped(version)}}}\n'


def _pairs(health: Health, refused: Refused | None, version: Version) -> Pairs:
    tracking = "accepted" if refused is None else f"refused: {refused}"
    pairs = [("daemon", health.status), ("tracking", tracking), ("version", _build(version))]
    if health.reasons is not msgspec.UNSET:
        pairs += [("reason", reason) for reason in health.reasons]
    if health.log is not msgspec.UNSET:
        pairs += _log(health.log)
    if health.store is not msgspec.UNSET:
        pairs += [("store", "down")] if health.store is None else _store(health.store)
    if health.store is None and health.lag is not msgspec.UNSET:
        pairs.append(("pending", f"at most {health.lag.bytes} bytes of the log"))
    if health.ledger is not msgspec.UNSET and health.ledger is not None:
        pairs += _ledger(health.ledger)
    if health.disk is not msgspec.UNSET:
        pairs += _disk(health.disk)
    return pairs


def _build(version: Version) -> str:
    server = version.server
    made = [server.commit and f"commit {server.commit}", server.build_date and f"built {server.build_date}"]
    return ", ".join([server.version, *(part for part in made if part)])


def _log(log: LogHealth) -> Pairs:
    accepting = "accepting" if log.accepting else f"not accepting: {log.reason}"
    return [
        ("log", f"{log.log_id}, {accepting}"),
        ("durable offset", f"{log.durable_offset}, in segment {log.segment} of {log.segment_bytes} bytes"),
        ("unflushed", f"{log.unflushed_bytes} bytes"),
        ("answered", f"{log.groups} groups, {log.duplicates} duplicates, {log.rejected} rejected since the start"),
        ("group commit", f"p50 {_ms(log.commit_p50_s)}, p99 {_ms(log.commit_p99_s)}"),
    ]


def _store(store: StoreHealth) -> Pairs:
    pairs = [
        ("store", f"position {store.position}, loaded {_time(store.loaded_at)}"),
        ("stored", f"{store.n_rows} events, {store.n_rejected} rejected, {store.n_duplicates} duplicates"),
        ("marked", ", ".join(f"{count} {mark}" for mark, count in sorted(store.marked.items())) or "none"),
        ("pending", f"{store.lag_bytes} bytes of the log"),
        ("checkpoint", _time(store.checkpoint_at)),
    ]
    if store.rebuild is not None:
        done = store.rebuild.bytes_total - store.rebuild.bytes_left
        pairs.append(("rebuild", f"{done} of {store.rebuild.bytes_total} bytes, since {store.rebuild.reason}"))
    return pairs if store.last_error is None else [*pairs, ("store error", store.last_error)]


def _ledger(ledger: Ledger) -> Pairs:
    became = ("stored", "duplicate", "rejected", "lost", "pending")
    parts = " + ".join(f"{getattr(ledger, name)} {name}" for name in became)
    return [("answered 2xx", f"{ledger.answered} items = {parts}")]


def _disk(disk: DiskUsage) -> Pairs:
    return [
        ("log files", f"{disk.live_segments} segments, {disk.live_bytes} bytes"),
        ("archive", f"{disk.archive_segments} segments, {disk.archive_bytes} bytes"),
        ("quarantine", f"{disk.quarantine_bytes} bytes"),
        ("disk free", f"{disk.disk_free_bytes} bytes"),
        ("file system", _file_system(disk)),
        ("last backup", _time(disk.backup_at)),
    ]


def _file_system(disk: DiskUsage) -> str:
    name = disk.file_system or "not known"
    return name if disk.file_system_doubt is None else f"{name}, not durable: {disk.file_system_doubt}"


def _time(time: datetime | None) -> str:
    return "never" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _ms(seconds: float | None) -> str:
    return "none yet" if seconds is None else f"{seconds * 1000:.1f} ms"
