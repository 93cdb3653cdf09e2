"""The live stream, followed for ever: what is heard is handed on, what breaks is tried again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import NoReturn, Protocol

from collector.wire.live import SHUTDOWN, LiveEnd
from console.answers import read
from console.errors import ConsoleError, Refused, Unreachable
from console.sse import Message

RETRY_S, RETRY_S_MAX = 0.5, 30.0
"""The first wait and the longest; each is drawn from its upper half, so that consoles do not all return at once."""

FINAL = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""What no waiting mends."""
BACKOFF_MAX = 16


class Streams(Protocol):
    """What of a client is needed here."""

    def stream(self, path: str, last_id: str) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
        """Open a stream of server-sent events behind the message of `last_id`."""


class _TokenEnded(ConsoleError):
    """The daemon ended the stream with its token; whether the session goes on is said when it is opened again."""


async def follow(
    client: Streams,
    *,
    take: Callable[[bytes], None],
    lost: Callable[[float, ConsoleError], None],
    draw: Callable[[], float],
) -> NoReturn:
    """Hand every message's LiveBatch, encoded, to `take`, which may raise AnswerUnreadable.

    `lost` hears how many seconds are waited after an error, and which it was; `draw` gives numbers from 0 to 1.

    Raises:
        Refused: the daemon does not take the token, and there is no other one: waiting does not mend it.
    """
    last_id, failures = "", 0
    while True:
        try:
            async with client.stream("live", last_id) as messages:
                async for message in messages:
                    if message.event == "end":
                        raise _end(message)
                    take(message.data)
                    last_id, failures = message.id or last_id, 0
            error: ConsoleError = Unreachable("the daemon ended the stream")
        except Refused as caught:
            if caught.status in FINAL:
                raise
            error = caught
        except ConsoleError as caught:
            error = caught
        wait_s = min(RETRY_S_MAX, RETRY_S * 2**failures) * (1 + draw()) / 2
        failures = min(failures + 1, BACKOFF_MAX)
        if not isinstance(error, _TokenEnded):
            lost(wait_s, error)
        await asyncio.sleep(wait_s)


def _end(message: Message) -> ConsoleError:
    end = read(message.data, LiveEnd)
    return Unreachable("the daemon stops") if end.code == SHUTDOWN else _TokenEnded(end.code)
