"""The handlers of an application's tokens: rotate and revoke api_tokens, make, list and revoke read tokens."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from aiohttp import web

from collector.answers import empty_answer, json_answer
from collector.applications.app_tokens import (
    new_write_token,
    rotated,
    with_read_token,
    without_read_token,
    without_write_token,
)
from collector.applications.asked_apps import AskedApps
from collector.applications.codes import RandomBytes
from collector.applications.tokens import READ_PREFIX, digest_of, new_token, new_token_id
from collector.routes import Answer, Bodyless, JsonBody, Route, Taking
from collector.tracking.door import in_utc
from collector.wire import apps as wire
from collector.wire.body import decode
from collector.wire.problem import BodyInvalid, FieldError
from storage.account_ports import AppStore
from storage.app import ReadToken

_read_token = msgspec.json.Decoder(wire.ReadTokenBody)
READ_TOKEN = JsonBody(lambda raw: decode(raw, _read_token), wire.ReadTokenBody)
DONE = {204: Answer()}


class TokenAnswers:
    """Give and take tokens; `clock` gives aware UTC times."""

    def __init__(
        self,
        apps: AppStore,
        asked: AskedApps,
        clock: Callable[[], datetime],
        random_bytes: RandomBytes,
    ) -> None:
        self._apps = apps
        self._asked = asked
        self._clock = clock
        self._random_bytes = random_bytes

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        rotate, created = Bodyless(self.rotate), {200: Answer(wire.ReadTokenCreated)}
        listed = {200: Answer(wire.ReadTokensAnswer)}
        return [
            Route("POST", "/app/{app_code}/token/rotate", rotate, "user", {200: Answer(wire.Created)}),
            Route("DELETE", "/app/{app_code}/token/{token_id}", self.revoke, "user", DONE),
            Route("POST", "/app/{app_code}/read-tokens", Taking(READ_TOKEN, self.create), "user", created),
            Route("GET", "/app/{app_code}/read-tokens", self.read_tokens, "user", listed),
            Route("DELETE", "/app/{app_code}/read-tokens/{token_id}", self.revoke_read_token, "user", DONE),
        ]

    async def rotate(self, request: web.Request) -> web.Response:
        """Make a further api_token; the one before goes on until it is revoked."""
        token = new_write_token(self._random_bytes, self._clock())
        app = await self._asked.change(request, lambda one: rotated(one, token), "app_token_rotated", token.token_id)
        return json_answer(wire.Created(token.token, app.app_code))

    async def revoke(self, request: web.Request) -> web.Response:
        """Revoke an api_token, at once; the last one stays."""
        named = request.match_info["token_id"]
        await self._asked.change(request, lambda one: without_write_token(one, named), "app_token_revoked", named)
        return empty_answer()

    async def create(self, request: web.Request, body: wire.ReadTokenBody) -> web.Response:
        """Make a read token, whose secret is shown this once."""
        secret = new_token(READ_PREFIX, self._random_bytes)
        token = self._token_of(body, digest_of(secret))
        await self._asked.change(
            request, lambda one: with_read_token(one, token), "app_read_token_created", token.token_id
        )
        return json_answer(
            wire.ReadTokenCreated(
                token_id=token.token_id,
                read_token=secret,
                name=token.name,
                scopes=list(token.scopes),
                expires_at=token.expires_at,
            )
        )

    async def read_tokens(self, request: web.Request) -> web.Response:
        """List the read tokens, the oldest first, without their secrets."""
        return json_answer(wire.ReadTokensAnswer([self._shown(one) for one in self._asked.of(request).read_tokens]))

    async def revoke_read_token(self, request: web.Request) -> web.Response:
        """Revoke a read token, at once."""
        named = request.match_info["token_id"]
        await self._asked.change(request, lambda one: without_read_token(one, named), "app_read_token_revoked", named)
        return empty_answer()

    def _token_of(self, body: wire.ReadTokenBody, digest: str) -> ReadToken:
        now, expires_at = self._clock(), in_utc(body.expires_at, "expires_at")
        if expires_at is not None and expires_at <= now:
            raise BodyInvalid([FieldError("$.expires_at", "wrong_value", "is in the past")])
        return ReadToken(
            token_id=new_token_id(self._random_bytes),
            digest=digest,
            name=body.name,
            scopes=tuple(dict.fromkeys(body.scopes)),
            created_at=now,
            expires_at=expires_at,
        )

    def _shown(self, token: ReadToken) -> wire.ReadTokenShown:
        return wire.ReadTokenShown(
            token_id=token.token_id,
            name=token.name,
            scopes=list(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=self._apps.last_used(token.token_id),
        )
