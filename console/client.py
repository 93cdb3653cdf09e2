"""The HTTP client of the console: one daemon, one session, limits on time and size."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from console.answers import read, refusal
from console.credentials import Credentials
from console.errors import AnswerUnreadable, ConsoleError, Refused, Unreachable
from console.sse import Message, Messages
from console.text import clean
from console.token_file import Tokens

TIMEOUT_S = 40.0
"""Of a whole request; longer than a daemon lets a query run by default (store.query_timeout_s)."""
CONNECT_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
STREAM_SILENCE_S = 10.0
"""A stream that says nothing for so long is dead: a daemon sends something every two seconds."""
STREAM_TYPE = "text/event-stream"
RENEWALS_MAX = 2
"""Of the token of one request: the one that another process left may have ended too."""
REFRESH_TIMEOUT_S = 4.0
REFRESH_TRIES = 2
"""Both within the daemon's grace of 10 s: where the first answer was lost, the second try gives the same tokens."""
USER_AGENT = "footfall"
"""By which people know the terminal among their sessions."""
GOOD = frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT})
JSON_TYPES = ("application/json", "application/problem+json")


class Answer(NamedTuple):
    """An answer in JSON, whatever its status."""

    status: int
    raw: bytes


class _Question(NamedTuple):
    """A request as it can be sent again; `path` without a leading slash."""

    method: str
    path: str
    headers: dict[str, str]
    timeout: aiohttp.ClientTimeout
    parameters: Mapping[str, str] | None = None
    body: bytes | None = None


class Client:
    """Asks the daemon at `url` while it is open; without credentials as anybody.

    A jwt_token that the daemon does not take any more is renewed once for all requests, which are then sent again.
    """

    def __init__(self, url: str, credentials: Credentials | None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = URL(url)
        self._credentials = credentials
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        self._session: aiohttp.ClientSession | None = None
        self._renewal: asyncio.Task[bool] | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Accept": "application/json", "User-Agent": USER_AGENT},
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self.settled()
        await self._session.close()

    async def settled(self) -> None:
        """Wait for a refresh that is under way: its tokens must be in the file before the process ends."""
        if self._renewal is not None:
            # Whoever asked hears of its error.
            with contextlib.suppress(ConsoleError):
                await asyncio.shield(self._renewal)

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """Return the body of a good answer; `path` without a leading slash.

        Raises:
            Refused: the daemon answered with a problem.
            AnswerUnreadable: what answered is no daemon.
            Unreachable: nobody answered.
        """
        return _good(await self.ask("GET", path, parameters=parameters))

    async def post(self, path: str, body: object | None = None) -> bytes:
        """Send anything that msgspec encodes, or nothing, and return the body of a good answer; raises as `get` does."""
        return _good(await self.ask("POST", path, body=_encoded(body)))

    async def send(self, method: str, path: str, body: object | None = None) -> None:
        """Have something done whose answer says nothing; raises as `get` does."""
        _good(await self.ask(method, path, body=_encoded(body)))

    @contextlib.asynccontextmanager
    async def stream(self, path: str, last_id: str) -> AsyncIterator[AsyncIterator[Message]]:
        """Open a stream of server-sent events behind the message of `last_id`; raises as `get` does."""
        headers = {"Accept": STREAM_TYPE} | ({"Last-Event-ID": last_id} if last_id else {})
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=STREAM_SILENCE_S)
        with self._told():
            async with await self._answered(_Question("GET", path, headers, timeout)) as response:
                if response.status != HTTPStatus.OK or response.content_type != STREAM_TYPE:
                    raise refusal(response.status, await _body(response))
                yield _messages(response)

    async def ask(
        self, method: str, path: str, *, parameters: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Return the answer whatever its status; raises as `get` does, Refused only where the session has ended."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        question = _Question(method, path, headers, self._timeout, parameters, body)
        with self._told():
            async with await self._answered(question) as response:
                return Answer(response.status, await _body(response))

    async def refresh(self, refresh_token: str) -> Tokens:
        """Return the next pair of tokens; raises as `get` does."""
        question = _Question("POST", "auth/refresh", {}, aiohttp.ClientTimeout(total=REFRESH_TIMEOUT_S))
        tries_left = REFRESH_TRIES
        while True:
            tries_left -= 1
            try:
                with self._told():
                    async with await self._sent(question, refresh_token) as response:
                        return read(_good(Answer(response.status, await _body(response))), Tokens)
            except Unreachable:
                if not tries_left:
                    raise

    async def _answered(self, question: _Question) -> aiohttp.ClientResponse:
        """Return the head of the answer, where the token had ended of one with the next token."""
        renewals_left = RENEWALS_MAX
        while True:
            token = self._credentials.jwt_token if self._credentials else None
            response = await self._sent(question, token)
            if token is None or not renewals_left or not _token_ended(response):
                return response
            renewals_left -= 1
            try:
                renewed = await self._renewed(token)
            except BaseException:  # what was opened is closed whatever it is; it goes on
                response.close()
                raise
            if not renewed:
                return response
            response.release()

    async def _sent(self, question: _Question, token: str | None) -> aiohttp.ClientResponse:
        assert self._session is not None
        return await self._session.request(
            question.method,
            self._url.joinpath(question.path),
            params=question.parameters,
            data=question.body,
            headers=question.headers | ({} if token is None else {"Authorization": f"Bearer {token}"}),
            timeout=question.timeout,
            # A redirect would carry the token to wherever it points.
            allow_redirects=False,
        )

    async def _renewed(self, ended: str) -> bool:
        assert self._credentials is not None
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._credentials.renew(ended, self.refresh))
        # A question that is given up must not take a refresh along: its answer would be lost, and with it the session.
        try:
            return await asyncio.shield(self._renewal)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            # The accounts are another service's: only there there is a next token.
            return False

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise Unreachable(f"{self._url}: {_reason(error)}; is footfalld running there?") from None
        except aiohttp.ClientError as error:
            raise AnswerUnreadable(f"{self._url}: is no footfalld: {clean(str(error))}") from None


def _encoded(body: object | None) -> bytes | None:
    return None if body is None else msgspec.json.encode(body)


def _token_ended(response: aiohttp.ClientResponse) -> bool:
    """Return whether the answer asks for another token (RFC 6750, section 3.1)."""
    challenge = response.headers.get(hdrs.WWW_AUTHENTICATE, "")
    return response.status == HTTPStatus.UNAUTHORIZED and 'error="invalid_token"' in challenge


async def _messages(response: aiohttp.ClientResponse) -> AsyncIterator[Message]:
    messages = Messages()
    async for piece in response.content.iter_any():
        for message in messages.take(piece):
            yield message


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    # aiohttp's own text of a failed connection is mostly about the pool.
    return clean(str(error.os_error) if isinstance(error, aiohttp.ClientConnectorError) else str(error))


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.status == HTTPStatus.NO_CONTENT:
        return b""
    if response.content_type not in JSON_TYPES:
        kind = clean(response.content_type)
        raise AnswerUnreadable(f"{response.url.origin()}: is no footfalld: answered {response.status} with {kind}")
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > ANSWER_BYTES_MAX:
            raise AnswerUnreadable(f"{response.url.origin()}: the answer is over {ANSWER_BYTES_MAX} bytes long")
    return bytes(raw)


def _good(answer: Answer) -> bytes:
    if answer.status not in GOOD:
        raise refusal(answer.status, answer.raw)
    return answer.raw
