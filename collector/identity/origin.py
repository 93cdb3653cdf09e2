"""Where a request comes from, behind whatever proxies are trusted to say so."""

import ipaddress
from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiohttp import hdrs, web
from multidict import istr

from collector.request_id import request_id

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED_PROTO = istr("X-Forwarded-Proto")
USER_AGENT_MAX = 256
"""Characters of a User-Agent that are kept."""
SITE_PREFIX = 64
"""Bits of an IPv6 address that one customer gets whole (RFC 6177): what is behind them costs nothing to change."""


class Origin(NamedTuple):
    """The address that a request came from, what its sender calls itself, its id, and the visitor of its cookie."""

    peer: str
    user_agent: str
    request_id: str | None = None
    anonymous_id: str | None = None

    @property
    def limited_as(self) -> str:
        """What limits count it under: its address, of IPv6 the network of its customer."""
        address = _address(self.peer)
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((address, SITE_PREFIX), strict=False))
        return self.peer


class Origins:
    """Tells the origin of requests; `X-Forwarded-For` is believed as far as `trusted_proxies` wrote it."""

    def __init__(self, trusted_proxies: Sequence[Network], visitor_of: Callable[[web.Request], str | None]) -> None:
        self._trusted_proxies = trusted_proxies
        self._visitor_of = visitor_of

    def of(self, request: web.Request) -> Origin:
        """Return where a request comes from, its strings cut."""
        user_agent = request.headers.get(hdrs.USER_AGENT, "")[:USER_AGENT_MAX]
        return Origin(self._peer(request), user_agent, request_id(request), self._visitor_of(request))

    def address(self, request: web.Request) -> Address | None:
        """Return the right-most address that is not a trusted proxy's: what stands left of it anybody may have written."""
        peer = _address(request.remote or "")
        if peer is None or not self._is_trusted(peer):
            return peer
        hops = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, [])).split(",")
        while self._is_trusted(peer) and hops:
            told = _address(hops.pop().strip())
            if told is None:
                break
            peer = told
        return peer

    def over_tls(self, request: web.Request) -> bool:
        """Return whether a trusted proxy says that the browser's connection to it is encrypted."""
        proxy = _address(request.remote or "")
        return request.headers.get(FORWARDED_PROTO) == "https" and proxy is not None and self._is_trusted(proxy)

    def _peer(self, request: web.Request) -> str:
        address = self.address(request)
        return "" if address is None else str(address)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted_proxies)


HERE = Origin("", "")
"""Of what is done at the command line."""


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A socket for both kinds of addresses shows those of IPv4 in a form of IPv6 (RFC 4291, 2.5.5.2).
    return getattr(address, "ipv4_mapped", None) or address
