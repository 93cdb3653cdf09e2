"""What travels between a front and its store process: the messages of one inherited socketpair.

A frame is a 4-byte big-endian length and one msgpack message. The front asks, with a number of its own; the store
answers with the same number: once, or in chunks of which at most WINDOW_CHUNKS are on their way. End of file on either
side means that the other process is gone.
"""

import asyncio
import struct
from typing import Literal

import msgspec

from storage.errors import StoreDown
from storage.query.question import Query

FRAME_BYTES_MAX = 16 * 1024 * 1024
"""The longest message; an answer of a thousand rows stays far below."""

WINDOW_CHUNKS = 4
"""Chunks of a stream sent ahead of its reader."""

_LENGTH = struct.Struct(">I")


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """The front asks; `number` names the question on this link."""

    number: int
    query: Query


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """The front does not want the answer any more."""

    number: int


class More(msgspec.Struct, frozen=True, tag="more"):
    """The front has used one chunk."""

    number: int


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """The whole answer, itself msgpack of the answer's struct."""

    number: int
    body: bytes


class Chunk(msgspec.Struct, frozen=True, tag="chunk"):
    """Whole lines of a stream."""

    number: int
    lines: bytes


class End(msgspec.Struct, frozen=True, tag="end"):
    """The stream is complete."""

    number: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """There is no answer. `field` names the member for which the query was refused."""

    number: int
    kind: Literal["refused", "timeout", "rebuilding", "failed", "ended"]
    message: str
    field: str = ""


Question = Ask | Cancel | More
Reply = Answer | Chunk | End | Failed

_encoder = msgspec.msgpack.Encoder()


async def receive(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next message, None at end of file."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > FRAME_BYTES_MAX:
            raise StoreDown(f"a message of {length} bytes on the store link; the limit is {FRAME_BYTES_MAX}")
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def send(writer: asyncio.StreamWriter, message: Question | Reply) -> None:
    """Queue one message; the caller awaits `writer.drain()` where it sends many."""
    body = _encoder.encode(message)
    writer.write(_LENGTH.pack(len(body)) + body)
