"""Where a request comes from, as far as a session and the audit keep it."""

from typing import NamedTuple

from aiohttp import hdrs, web

USER_AGENT_MAX = 256
"""Characters of a User-Agent that are kept."""


class Origin(NamedTuple):
    """The address that a request came from, and what its sender calls itself."""

    peer: str
    user_agent: str


NOWHERE = Origin("", "")
"""Of what no request asked for."""


def origin_of(request: web.Request) -> Origin:
    """Return the origin of a request, its strings cut."""
    return Origin(request.remote or "", request.headers.get(hdrs.USER_AGENT, "")[:USER_AGENT_MAX])
