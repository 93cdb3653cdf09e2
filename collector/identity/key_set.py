"""GET /.well-known/jwks.json: with which keys others can check our access tokens themselves."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from collector.answers import HEADERS
from collector.identity.signing_keys import SigningKey
from collector.routes import Answer, Route
from collector.unchanging import Unchanging
from collector.wire.keys import KEY_SET_AGE_S_MAX, KeySet

CACHEABLE = {**HEADERS, "Cache-Control": f"public, max-age={KEY_SET_AGE_S_MAX}"}


class KeySetAnswers:
    """The handler of the public parts of `keys`; keys without one are not told."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        told = KeySet([key.public for key in keys if key.public is not None])
        self._answer = Unchanging(msgspec.json.encode(told), CACHEABLE)

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        told = {200: Answer(KeySet), 304: Answer()}
        return [Route("GET", "/.well-known/jwks.json", self.key_set, "anyone", told)]

    async def key_set(self, request: web.Request) -> web.Response:
        """Answer the public keys that verify access tokens; none with HS256, whose key nobody else may have."""
        return self._answer.answer(request)
