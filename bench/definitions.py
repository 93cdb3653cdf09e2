"""What event definitions cost: batches of an application whose events nobody looks at, and of one that enforces them."""

import functools
import statistics
from datetime import datetime
from pathlib import Path

import msgspec

from bench.daemon import Daemon, running
from bench.figures import Figure, aimed, compared
from bench.tally import Step, Tally
from bench.tracking import (
    ACCEPTED,
    BATCH_ITEMS,
    CONNECTIONS_FEW,
    EVENTS_PER_CPU_S_MIN,
    Slice,
    by_turns,
    slice_of,
)
from collector.wire.apps import Created

ENFORCED_PER_CPU_S_MIN = 100_000
ATTRS = {"part": "string", "grams": "integer", "ratio": "number", "whole": "boolean"}

REQUEST = (
    b"POST /track HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Api-Token: %b\r\n"
    b"Content-Length: %d\r\n\r\n%b"
)
ITEM = (
    b'{"source_label":"weighed","id_user":"user-%08d","date_created":"%b",'
    b'"attrs":{"part":"diode","grams":%d,"ratio":0.5,"whole":true}}'
)


class DefinitionBench:
    """Loads a daemon of its own on a new directory, whose store is counted after every slice."""

    def __init__(self, directory: Path, began: datetime) -> None:
        self._directory = directory
        self._date_created = f"{began:%Y-%m-%d %H:%M:%S}".encode()
        self._number = 0
        self.steps: list[Step] = []

    def figures(self, seconds: float) -> list[Figure]:
        """Return the rates of both by turns, for a second of the front's processor time."""
        self._directory.mkdir()
        with running(self._directory) as daemon:
            tokens = {mode: _token(daemon, mode) for mode in ("off", "enforce")}
            tally = Tally(daemon)
            runs = {
                mode: functools.partial(self._slice, daemon, tally, token, seconds) for mode, token in tokens.items()
            }
            slices = by_turns(runs)
        self.steps = tally.steps
        off, enforced = ([one.per_cpu_s * BATCH_ITEMS for one in slices[mode]] for mode in ("off", "enforce"))
        plain = Figure(
            figure=f"batches of {BATCH_ITEMS}, definitions off, for a CPU-second",
            value=statistics.median(off),
            unit="events",
        )
        beside = compared("  definitions enforced", "events", enforced, off)
        return [
            aimed(plain, f">= {EVENTS_PER_CPU_S_MIN:,}", met=plain.value >= EVENTS_PER_CPU_S_MIN),
            aimed(beside, f">= {ENFORCED_PER_CPU_S_MIN:,}", met=beside.value >= ENFORCED_PER_CPU_S_MIN),
        ]

    def _slice(self, daemon: Daemon, tally: Tally, token: bytes, seconds: float) -> Slice:
        taken = slice_of(daemon.server, lambda: self._request(token), CONNECTIONS_FEW, seconds)
        accepted = taken.load.statuses[ACCEPTED]
        tally.add("definitions", sent=accepted * BATCH_ITEMS, refused_requests=taken.load.answers - accepted)
        return taken

    def _request(self, token: bytes) -> bytes:
        body = b"[%b]" % b",".join([self._item() for _ in range(BATCH_ITEMS)])
        return REQUEST % (token, len(body), body)

    def _item(self) -> bytes:
        self._number += 1
        return ITEM % (self._number, self._date_created, self._number)


def _token(daemon: Daemon, mode: str) -> bytes:
    """Return the api_token of a new application that takes the events of ITEM so."""
    app = msgspec.json.decode(daemon.call("POST", "/app/create", {"app_name": mode}), type=Created)
    attrs = [{"name": name, "type": kind} for name, kind in ATTRS.items()]
    daemon.call("POST", f"/app/create_event/{app.app_code}", {"events": [{"name": "weighed", "attrs": attrs}]})
    daemon.call("PATCH", f"/app/{app.app_code}", {"mode": mode})
    return app.api_token.encode()
