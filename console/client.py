"""The HTTP client of the console: one daemon, one token, limits on time and size."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
import msgspec
from yarl import URL

from console.answers import refusal
from console.errors import AnswerUnreadable, Unreachable
from console.sse import Message, Messages
from console.text import clean

TIMEOUT_S = 40.0
"""Of a whole request; longer than a daemon lets a query run by default (store.query_timeout_s)."""
CONNECT_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
STREAM_SILENCE_S = 10.0
"""A stream that says nothing for so long is dead: a daemon sends something every two seconds."""
STREAM_TYPE = "text/event-stream"
JSON_TYPES = ("application/json", "application/problem+json")


class Answer(NamedTuple):
    """An answer in JSON, whatever its status."""

    status: int
    raw: bytes


class Client:
    """Asks the daemon at `url` while it is open; without a token as anybody."""

    def __init__(self, url: str, token: str | None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = URL(url)
        self._headers = {"Accept": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """Return the body of a good answer; `path` without a leading slash.

        Raises:
            Refused: the daemon answered with a problem.
            AnswerUnreadable: what answered is no daemon.
            Unreachable: nobody answered.
        """
        return _good(await self.ask("GET", path, parameters=parameters))

    async def post(self, path: str, body: object) -> bytes:
        """Send anything that msgspec encodes and return the body of a good answer; raises as `get` does."""
        return _good(await self.ask("POST", path, body=msgspec.json.encode(body)))

    @contextlib.asynccontextmanager
    async def stream(self, path: str, last_id: str) -> AsyncIterator[AsyncIterator[Message]]:
        """Open a stream of server-sent events behind the message of `last_id`; raises as `get` does."""
        assert self._session is not None
        headers = {"Accept": STREAM_TYPE} | ({"Last-Event-ID": last_id} if last_id else {})
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=STREAM_SILENCE_S)
        with self._told():
            async with self._session.get(
                self._url.joinpath(path), headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status != HTTPStatus.OK or response.content_type != STREAM_TYPE:
                    raise refusal(response.status, await _body(response))
                yield _messages(response)

    async def ask(
        self, method: str, path: str, *, parameters: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Return the answer whatever its status; raises as `get` does, but never Refused."""
        assert self._session is not None
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = self._session.request(
            # A redirect would carry the token to wherever it points.
            method,
            self._url.joinpath(path),
            params=parameters,
            data=body,
            headers=headers,
            allow_redirects=False,
        )
        with self._told():
            async with request as response:
                return Answer(response.status, await _body(response))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise Unreachable(f"{self._url}: {_reason(error)}; is footfalld running there?") from None
        except aiohttp.ClientError as error:
            raise AnswerUnreadable(f"{self._url}: is no footfalld: {clean(str(error))}") from None


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
    if answer.status != HTTPStatus.OK:
        raise refusal(answer.status, answer.raw)
    return answer.raw
