"""What a request tells beside its body and is frozen into each of its events: an address never is."""

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import hdrs, web

from collector.identity.origin import Address, Origins
from collector.tracking.blocked import Blocked
from collector.tracking.wishes import Wishes
from storage.event import ADDRESS_BLOCKED

USER_AGENT_MAX = 512
"""Characters of a User-Agent that go into an event: those of browsers inside of apps have up to 400."""

CountryOf = Callable[[Address], str | None]
"""Return the country of an address (ISO 3166-1, two letters), None where nobody knows."""


class Context(NamedTuple):
    """`country`, `filtered` and `signal` are as in `storage.event.Event`; `wish` is the browser's, honoured or not."""

    user_agent: str | None = None
    country: str | None = None
    filtered: str | None = None
    signal: str | None = None
    wish: str | None = None


UNTOLD = Context()
"""Of what no request brought."""


class Contexts:
    """Says what the door freezes of requests; the address is looked at only where `country_of` or `blocked` needs it."""

    def __init__(self, origins: Origins, wishes: Wishes, blocked: Blocked, country_of: CountryOf | None) -> None:
        self._origins = origins
        self._wishes = wishes
        self._blocked = blocked
        self._country_of = country_of

    def of(self, request: web.Request) -> Context:
        """Return what is frozen of a request."""
        wish, is_honoured = self._wishes.of(request)
        country, filtered = self._of_address(request) if self._blocked or self._country_of else (None, None)
        return Context(_user_agent(request), country, filtered, wish if is_honoured else None, wish)

    def _of_address(self, request: web.Request) -> tuple[str | None, str | None]:
        address = self._origins.address(request)
        if address is None:
            return None, None
        country = None if self._country_of is None else self._country_of(address)
        return country, ADDRESS_BLOCKED if address in self._blocked else None


def _user_agent(request: web.Request) -> str | None:
    text = request.headers.get(hdrs.USER_AGENT)
    if not text:
        return None
    if not text.isascii():
        # aiohttp shows bytes that are no UTF-8 as lone surrogates, which no JSON takes.
        text = text.encode(errors="surrogateescape").decode(errors="replace")
    return text[:USER_AGENT_MAX]
