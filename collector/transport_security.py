"""Strict-Transport-Security (RFC 6797): who came encrypted once shall not come in the open again."""

from collections.abc import Awaitable, Callable

from aiohttp import web

HEADER = "Strict-Transport-Security"
POLICY = "max-age=31536000"
"""A year, and for this host alone: what else its domain serves is not ours to say."""

Sign = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def policy_over(over_tls: Callable[[web.Request], bool]) -> Sign:
    """Return what sets the header before an answer begins, where its request came encrypted.

    RFC 6797, section 7.2: an answer over plain HTTP must not have it.
    """

    async def say_policy(request: web.Request, answer: web.StreamResponse) -> None:
        if over_tls(request):
            answer.headers[HEADER] = POLICY

    return say_policy
