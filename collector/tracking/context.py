"""What a request tells beside its body and is frozen into each of its events: an address never is."""

from typing import NamedTuple

from aiohttp import web

from storage.app import App


class Context(NamedTuple):
    """`country`, `filtered` and `signal` are as in `storage.event.Event`."""

    user_agent: str | None = None
    country: str | None = None
    filtered: str | None = None
    signal: str | None = None


UNTOLD = Context()
"""Of what no request brought."""


def untold(_request: web.Request, _app: App) -> Context:
    """Return nothing of a request."""
    return UNTOLD
