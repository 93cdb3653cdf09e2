"""The events that the loads send: each is valid, new, and of a visitor of its own."""

from collections.abc import Callable
from datetime import datetime

PAGES = 1_000
"""Different pages; visitors are never the same twice."""

REQUEST = (
    b"POST /track HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
)
ITEM = (
    b'{"source_label":"pageview","anonymous_id":"visitor-%010d","date_created":"%b",'
    b'"page_url":"https://shop.example/products/%04d"}'
)


class Traffic:
    """Numbers its events, so that no two requests of a run are alike."""

    def __init__(self, began: datetime) -> None:
        self._date_created = f"{began:%Y-%m-%d %H:%M:%S}".encode()
        self._number = 0

    def single(self) -> bytes:
        """Return an HTTP request with one event."""
        return _request(self._item())

    def batch(self, items: int) -> bytes:
        """Return an HTTP request with an array of events."""
        return _request(self.array(items))

    def batches(self, items: int) -> Callable[[], bytes]:
        """Return what makes such requests."""
        return lambda: self.batch(items)

    def array(self, items: int) -> bytes:
        """Return the body of such a request."""
        return b"[%b]" % b",".join([self._item() for _ in range(items)])

    def _item(self) -> bytes:
        self._number += 1
        return ITEM % (self._number, self._date_created, self._number % PAGES)


def _request(body: bytes) -> bytes:
    return REQUEST % (len(body), body)
