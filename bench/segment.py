"""What Segment's shape costs: batches of an application as its client for Node sends them, beside native ones."""

import functools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from bench.daemon import running
from bench.figures import Figure, aimed, compared
from bench.process import Server
from bench.tally import Step, Tally
from bench.tracking import BATCH_ITEMS, CONNECTIONS_FEW, EVENTS_PER_CPU_S_MIN, Slice, by_turns, slice_of
from collector.wire.apps import Created

STEP = "Segment's batches, and native ones"
TAKEN = (200, 202)
REQUEST = (
    b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Api-Token: %b\r\n"
    b"Content-Length: %d\r\n\r\n%b"
)
ITEM = (
    b'{"source_label":"ordered","id_user":"user-%08d","event_id":"event-%024d","date_created":"%bZ",'
    b'"attrs":{"product":17,"revenue":19.99}}'
)
CALL = (
    b'{"type":"track","event":"ordered","userId":"user-%08d","messageId":"node-next-1795000000000-%026d","timestamp":"%bZ",'
    b'"properties":{"product":17,"revenue":19.99},"integrations":{},'
    b'"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"_metadata":{"nodeVersion":"20.20.2"}}'
)


class SegmentBench:
    """Loads a daemon of its own on a new directory, whose store is counted after every slice."""

    def __init__(self, directory: Path, began: datetime) -> None:
        self._directory = directory
        self._date_created = f"{began:%Y-%m-%dT%H:%M:%S}".encode()
        self._number = 0
        self.steps: list[Step] = []

    def figures(self, seconds: float) -> list[Figure]:
        """Return the rate of Segment's batches beside native ones by turns, for a second of the front's processor time."""
        self._directory.mkdir()
        with running(self._directory) as daemon:
            app = msgspec.json.decode(daemon.call("POST", "/app/create", {"app_name": "shop"}), type=Created)
            token, tally = app.api_token.encode(), Tally(daemon)
            requests = {"segment": self._calls, "native": self._items}
            slices = by_turns(
                {
                    kind: functools.partial(_slice, daemon.server, tally, functools.partial(request, token), seconds)
                    for kind, request in requests.items()
                }
            )
        self.steps = tally.steps
        segment, native = ([one.per_cpu_s * BATCH_ITEMS for one in slices[kind]] for kind in requests)
        figure = compared(f"/v1/batch of {BATCH_ITEMS}, for a CPU-second", "events", segment, native)
        return [aimed(figure, f">= {EVENTS_PER_CPU_S_MIN:,}", met=figure.value >= EVENTS_PER_CPU_S_MIN)]

    def _items(self, token: bytes) -> bytes:
        body = b"[%b]" % b",".join(self._each(ITEM))
        return REQUEST % (b"/track", token, len(body), body)

    def _calls(self, token: bytes) -> bytes:
        body = b'{"batch":[%b],"sentAt":"%bZ"}' % (b",".join(self._each(CALL)), self._date_created)
        return REQUEST % (b"/v1/batch", token, len(body), body)

    def _each(self, form: bytes) -> list[bytes]:
        first = self._number
        self._number += BATCH_ITEMS
        return [form % (number, number, self._date_created) for number in range(first, self._number)]


def _slice(server: Server, tally: Tally, request: Callable[[], bytes], seconds: float) -> Slice:
    taken = slice_of(server, request, CONNECTIONS_FEW, seconds)
    accepted = sum(taken.load.statuses[status] for status in TAKEN)
    tally.add(STEP, sent=accepted * BATCH_ITEMS, refused_requests=taken.load.answers - accepted)
    return taken
