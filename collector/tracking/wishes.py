"""What browsers say of being tracked: Do Not Track, and Global Privacy Control."""

from collections.abc import Callable
from typing import Literal

from aiohttp import web
from multidict import istr

Heed = Literal["count", "anonymous"]
"""Of a wish: it is counted and changes nothing; it is counted, and the event is kept without what tells of a person."""

VisitorOf = Callable[[web.Request], str | None]
"""Return the anonymous_id that a request's browser keeps for us, if any."""

HEADERS = {"gpc": istr("Sec-GPC"), "dnt": istr("DNT")}
"""Where they stand, and `1` is the wish (Global Privacy Control, 3.2; Tracking Preference Expression, 5.2)."""


class Wishes:
    """Reads the wishes; of two at once an honoured one counts, else the first of HEADERS."""

    def __init__(self, *, dnt: Heed, gpc: Heed) -> None:
        honoured = {"dnt": dnt == "anonymous", "gpc": gpc == "anonymous"}
        self._order = [
            (name, HEADERS[name], honoured[name]) for name in sorted(HEADERS, key=lambda one: not honoured[one])
        ]

    def of(self, request: web.Request) -> tuple[str | None, bool]:
        """Return the wish of a request's browser, `gpc` or `dnt`, and whether it is honoured."""
        headers = request.headers
        for name, header, is_honoured in self._order:
            if headers.get(header) == "1":
                return name, is_honoured
        return None, False

    def heeding(self, visitor_of: VisitorOf) -> VisitorOf:
        """Return `visitor_of` for those alone whose wish is not honoured: the others are nobody's visitors."""

        def unless_honoured(request: web.Request) -> str | None:
            return None if self.of(request)[1] else visitor_of(request)

        return unless_honoured
