"""Server-sent events as bytes become messages (WHATWG HTML, section 9.2.6); pure."""

from collections.abc import Iterator
from typing import NamedTuple

from console.errors import AnswerUnreadable

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
"""A message that is longer ends the stream: no daemon sends it."""


class Message(NamedTuple):
    """One message; `id` is the last one that the stream named."""

    event: str
    id: str
    data: bytes


class Messages:
    """Takes the stream in pieces of any size and gives its whole messages."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = ""
        self._id = ""
        self._data: list[bytes] = []
        self._size = 0

    def take(self, piece: bytes) -> Iterator[Message]:
        """Yield the messages that end in this piece; AnswerUnreadable for one that is too long."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            yield from self._line(line.removesuffix(b"\r"))
        if self._size + len(self._rest) > MESSAGE_BYTES_MAX:
            raise AnswerUnreadable(f"the stream has a message of over {MESSAGE_BYTES_MAX} bytes")

    def _line(self, line: bytes) -> Iterator[Message]:
        if not line:
            if self._data:
                yield Message(self._event or "message", self._id, b"\n".join(self._data))
            self._event, self._data, self._size = "", [], 0
            return
        field, _, value = line.partition(b":")
        self._field(field, value.removeprefix(b" "))
        self._size += len(line)

    def _field(self, field: bytes, value: bytes) -> None:
        match field:
            case b"data":
                self._data.append(value)
            case b"event":
                self._event = value.decode(errors="replace")
            case b"id" if b"\0" not in value:
                self._id = value.decode(errors="replace")
