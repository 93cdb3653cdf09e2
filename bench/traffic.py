"""The events that the loads send: each is valid, new, and a pageview of a visitor of its own."""

from datetime import datetime

PAGES = 1_000
"""Different pages; visitors are never the same twice."""

REQUEST = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
ITEM = (
    b'{"source_label":"pageview","anonymous_id":"visitor-%010d","date_created":"%b",'
    b'"page_url":"https://shop.example/products/%04d"}'
)


PROBE = b'{"source_label":"pageview","anonymous_id":"visitor-%010d","page_url":"%b"}'


class Traffic:
    """Numbers its events, so that no two of a run are alike; `began` is when they say that they happened."""

    def __init__(self, began: datetime) -> None:
        self._date_created = f"{began:%Y-%m-%d %H:%M:%S}".encode()
        self._number = 0

    def single(self, path: str = "/track") -> bytes:
        """Return an HTTP request with one event."""
        return _request(path, self._item())

    def batch(self, items: int) -> bytes:
        """Return an HTTP request with an array of events."""
        return _request("/track", self.array(items))

    def array(self, items: int) -> bytes:
        """Return the body of such a request."""
        return b"[%b]" % b",".join([self._item() for _ in range(items)])

    def pageview(self, page_url: str) -> bytes:
        """Return the body of one event of a page."""
        self._number += 1
        return PROBE % (self._number, page_url.encode())

    def _item(self) -> bytes:
        self._number += 1
        return ITEM % (self._number, self._date_created, self._number % PAGES)


def _request(path: str, body: bytes) -> bytes:
    return REQUEST % (path.encode(), len(body), body)
