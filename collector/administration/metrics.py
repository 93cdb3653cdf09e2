"""GET /metrics: the figures of log, store and disk as Prometheus text, gathered when they are asked for."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from collector.administration.log import LogAnswers
from collector.answers import HEADERS
from collector.identity.caller import Authenticate, Caller, RoleInsufficient, TokenMissing
from collector.routes import Answer, Route
from collector.tracking.wishes import HEADERS as WISHES
from collector.wire.health import Ledger, LogReport
from storage.event import FILTERED_AT_DOOR

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
"""A request with one of these came through a proxy: that it arrived over the loopback says nothing of who sent it."""

MEDIA = CONTENT_TYPE_LATEST


class Counters(NamedTuple):
    """What the front counts since it started: refusals by status, and events by the rule of the door that meant them."""

    refused: Counter[int]
    noticed: Counter[str]


class Metrics:
    """Figures for a Prometheus on this machine, or one that has the token of an administrator."""

    def __init__(self, logs: LogAnswers, authenticate: Authenticate, counters: Counters) -> None:
        self._logs = logs
        self._authenticate = authenticate
        self._counters = counters

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [Route("GET", "/metrics", self.metrics, "anyone", {200: Answer(media="text/plain")})]

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer the figures, to this machine or to an administrator."""
        caller = await self._authenticate(request)
        if not is_local(request):
            _require_admin(caller)
        registry = CollectorRegistry()
        registry.register(_Scrape(await self._logs.report(), self._counters))
        return web.Response(body=generate_latest(registry), headers={**HEADERS, "Content-Type": MEDIA})


def _require_admin(caller: Caller | None) -> None:
    if caller is None:
        raise TokenMissing("metrics are for this machine itself, or need the token of an administrator")
    if caller.role != "admin":
        raise RoleInsufficient("metrics are for this machine itself, or need the role admin")


def is_local(request: web.Request) -> bool:
    """Return whether a program of this machine asks, and no proxy for somebody else."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    proxied = any(name in request.headers for name in FORWARDED)
    return not proxied and peer is not None and ip_address(peer[0]).is_loopback


class _Scrape:
    """What one scrape shows."""

    def __init__(self, report: LogReport, counters: Counters) -> None:
        self._report = report
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        refused = CounterMetricFamily("footfall_requests_refused", "Requests answered as a problem.", labels=["status"])
        for status, count in sorted(self._counters.refused.items()):
            refused.add_metric([str(status)], count)
        yield refused
        meaning = "Events that a rule of the door meant, or whose browser had a wish."
        noticed = CounterMetricFamily("footfall_events_noticed", meaning, labels=["rule"])
        for rule in (*FILTERED_AT_DOOR, *WISHES):
            noticed.add_metric([rule], self._counters.noticed[rule])
        yield noticed
        yield from _of_log(self._report)
        yield from _of_disk(self._report)
        yield from _of_store(self._report)


def _of_log(report: LogReport) -> Iterator[Metric]:
    log = report.log
    yield GaugeMetricFamily("footfall_log_accepting", "1 while tracking is accepted.", value=log.accepting)
    yield CounterMetricFamily("footfall_log_groups", "Groups made durable since the start.", value=log.groups)
    yield GaugeMetricFamily("footfall_log_unflushed_bytes", "Bytes that wait for the disk.", value=log.unflushed_bytes)
    commit = GaugeMetricFamily("footfall_log_commit_seconds", "Hand-over to durable, last groups.", labels=["quantile"])
    for quantile, seconds in (("0.5", log.commit_p50_s), ("0.99", log.commit_p99_s)):
        if seconds is not None:
            commit.add_metric([quantile], seconds)
    yield commit


def _of_disk(report: LogReport) -> Iterator[Metric]:
    disk = report.disk
    held = GaugeMetricFamily("footfall_disk_used_bytes", "Bytes in the data directory.", labels=["place"])
    for place in ("live", "archive", "quarantine"):
        held.add_metric([place], getattr(disk, f"{place}_bytes"))
    yield held
    yield GaugeMetricFamily("footfall_disk_free_bytes", "Bytes that the disk still takes.", value=disk.disk_free_bytes)
    if disk.backup_at is not None:
        made = disk.backup_at.timestamp()
        yield GaugeMetricFamily("footfall_backup_timestamp_seconds", "When the last verified backup began.", value=made)


def _of_store(report: LogReport) -> Iterator[Metric]:
    ledger, lag = report.ledger, report.lag
    yield GaugeMetricFamily("footfall_store_up", "1 while the store answers.", value=ledger is not None)
    if ledger is not None:
        yield from _of_ledger(ledger)
    if report.marked is not None:
        marked = GaugeMetricFamily("footfall_events_marked", "Stored events with a mark.", labels=["mark"])
        for mark, count in sorted(report.marked.items()):
            marked.add_metric([mark], count)
        yield marked
    meaning = "Bytes of the log that are not loaded; all live ones while the store is away."
    yield GaugeMetricFamily("footfall_store_lag_bytes", meaning, value=lag.bytes)
    if lag.seconds is not None:
        yield GaugeMetricFamily("footfall_store_lag_seconds", "For how long some always were not.", value=lag.seconds)
    if report.checkpoint_at is not None:
        checkpoint_at = report.checkpoint_at.timestamp()
        yield GaugeMetricFamily("footfall_store_checkpoint_timestamp_seconds", "Last checkpoint.", value=checkpoint_at)


def _of_ledger(ledger: Ledger) -> Iterator[Metric]:
    yield CounterMetricFamily("footfall_items_answered", "Items answered 2xx.", value=ledger.answered)
    items = GaugeMetricFamily("footfall_items", "What became of them; the states add up to answered.", labels=["state"])
    for state in ("stored", "duplicate", "rejected", "lost", "pending"):
        items.add_metric([state], getattr(ledger, state))
    yield items
