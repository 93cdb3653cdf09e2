"""An outside identity provider: another service that knows who is registered, signed in, and in which role."""

import re
from http import HTTPStatus
from types import TracebackType
from typing import Annotated, Self

import aiohttp
import msgspec
import structlog
from aiohttp import hdrs
from msgspec import Meta

from collector.identity.caller import Caller, TokenInvalid
from collector.identity.errors import IdentityUnreachable
from storage.user import Role

PATH = "auth/me"
TRIES = 2
"""A connection that was cut, or one slow answer, costs nobody his request; more tries would only add to the load."""
ASKING_MAX = 256
"""Questions at once; one more is refused, so that a slow provider does not fill this process with waiting requests."""
ANSWER_BYTES_MAX = 64 * 1024
TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""RFC 6750, section 2.1."""
ROLES: dict[str, Role] = {"analyst": "analyst", "admin": "admin"}
"""Those that we know besides `user`, which whoever has another one is here."""

log = structlog.get_logger()


class _Profile(msgspec.Struct, frozen=True):
    """What of the answer counts; a user_id is as long as those of events may be."""

    user_id: Annotated[str, Meta(min_length=1, max_length=64)]
    role: str


_profiles = msgspec.json.Decoder(_Profile)


class _Unusable(Exception):
    """The provider gave an answer that says nothing about the caller."""


class Provider:
    """Asks the service at `url` (GET auth/me, as ours) about every token, each time; enter it to open connections.

    Nothing is remembered: whom the provider has signed out or demoted is so here at the next request.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = f"{url}/{PATH}"
        self._timeout_s = timeout_s
        self._asking = 0
        self._is_reachable = True

    async def __aenter__(self) -> Self:
        """Open a pool of connections, none of them yet: the provider may start later than we do."""
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=ASKING_MAX),
            # Cookies of one caller's answer must not go out with another's question.
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            headers={hdrs.USER_AGENT: "footfall", hdrs.ACCEPT: "application/json", hdrs.ACCEPT_ENCODING: "identity"},
            auto_decompress=False,  # a few packed bytes must not become a large answer
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._client.close()

    async def authenticate(self, token: str) -> Caller:
        """Return whose token it is, with the role that the provider says.

        Raises:
            TokenInvalid: the provider refuses it, or it can be no token at all.
            IdentityUnreachable: the provider did not answer, TRIES times, or has too many questions of ours already.
        """
        if not TOKEN.fullmatch(token):
            raise TokenInvalid("the token is not one")
        if self._asking >= ASKING_MAX:
            raise IdentityUnreachable("too many requests wait for the identity provider")
        self._asking += 1
        try:
            return await self._answered(token)
        finally:
            self._asking -= 1

    async def _answered(self, token: str) -> Caller:
        reason = ""
        for _ in range(TRIES):
            try:
                caller = await self._ask(token)
            except TokenInvalid:
                self._note_reachable()
                raise
            except (aiohttp.ClientError, TimeoutError, _Unusable) as error:
                reason = str(error) or type(error).__name__
            else:
                self._note_reachable()
                return caller
        self._note_unreachable(reason)
        raise IdentityUnreachable("the identity provider does not answer")

    async def _ask(self, token: str) -> Caller:
        headers = {hdrs.AUTHORIZATION: f"Bearer {token}"}
        # No redirect: the token is for the provider alone.
        async with self._client.get(self._url, headers=headers, allow_redirects=False) as answer:
            if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise TokenInvalid("the identity provider refuses the token")
            if answer.status != HTTPStatus.OK:
                raise _Unusable(f"it answered {answer.status}")
            return _caller(await _body(answer))

    def _note_reachable(self) -> None:
        if not self._is_reachable:
            log.info("identity_reachable", url=self._url)
        self._is_reachable = True

    def _note_unreachable(self, reason: str) -> None:
        # Once, not for every request that is refused until it is back.
        if self._is_reachable:
            log.warning("identity_unreachable", url=self._url, reason=reason)
        self._is_reachable = False


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    raw = bytearray()
    async for piece in answer.content.iter_any():
        raw += piece
        if len(raw) > ANSWER_BYTES_MAX:
            raise _Unusable(f"its answer is over {ANSWER_BYTES_MAX} bytes")
    return bytes(raw)


def _caller(raw: bytes) -> Caller:
    try:
        profile = _profiles.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Unusable(f"its answer is no profile: {error}") from None
    return Caller(profile.user_id, ROLES.get(profile.role, "user"), "")
