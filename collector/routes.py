"""The one table of routes: method, path, handler, who may call."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

Who = Literal["anyone", "user", "analyst", "admin"]
"""The least role that may call; `anyone` needs no token, and a route for anyone may still read one."""


class Route(NamedTuple):
    """One row of the table."""

    method: str
    path: str
    handler: Handler
    who: Who
