"""The control socket: verbs of `footfalld` for a running daemon, one JSON line in and one JSON line out.

The line in is {"verb": ..., "arguments": {...}}, the line out {"answer": {...}} or {"error": "one line of text"}. Who may
connect is settled by the socket's mode, 0600, and its directory's, 0700.
"""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog

from collector.wire.problem import RequestError
from storage.errors import StorageError

Arguments = dict[str, object]
Verb = Callable[[Arguments], Awaitable[Arguments]]

SOCKET_NAME = "control.sock"
LINE_BYTES_MAX = 64 * 1024
"""Of either line, its end included."""
LINE_WAIT_S = 10.0
"""How long the daemon waits for the line of a connection."""
STOP_WAIT_S = 5.0
"""How long a stopping daemon waits for verbs under way."""
CONNECTIONS_WAITING_MAX = 16
ACCEPT_RETRY_S = 1.0
ADDRESS_BYTES_MAX = 100
"""sun_path holds 108 bytes on Linux, 104 on macOS, with its closing NUL."""
DESCRIPTORS = Path("/proc/self/fd")

log = structlog.get_logger()


class ControlError(Exception):
    """The daemon could not be asked; the text is one line for the operator."""


class ControlRefused(ControlError):
    """The daemon's verb said no; the text is its reason."""


class _Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    verb: str
    arguments: Arguments


class _Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    answer: Arguments | None = None
    error: str | None = None


class ControlServer:
    """Answers `verbs` on the socket `path` while it is open; the caller holds the lock of the directory."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = path
        self._verbs = verbs
        self._listener: socket.socket | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen; ControlError when something else than a socket has the name, or the path cannot be an address."""
        self._listener = _listener(self._path)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None
        asyncio.get_running_loop().remove_reader(self._listener)
        self._path.unlink(missing_ok=True)
        self._listener.close()
        if self._answering:
            _, late = await asyncio.wait(self._answering, timeout=STOP_WAIT_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection, _ = listener.accept()
        except BlockingIOError:  # the client went away before it was accepted
            return
        except OSError as error:
            # Out of descriptors: the listener stays readable, and asking again at once would take a whole core.
            log.warning("control_accept_failed", reason=error.strerror)
            loop.remove_reader(listener)
            loop.call_later(ACCEPT_RETRY_S, self._listen_again, listener)
            return
        connection.settimeout(0)
        task = loop.create_task(self._connected(connection))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _listen_again(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    async def _connected(self, connection: socket.socket) -> None:
        # A client that went away before its answer needs none.
        with connection, contextlib.suppress(ConnectionError):
            reply = await self._reply(connection)
            await asyncio.get_running_loop().sock_sendall(connection, _line(reply))

    async def _reply(self, connection: socket.socket) -> _Reply:
        try:
            async with asyncio.timeout(LINE_WAIT_S):
                call = msgspec.json.decode(await _sent_line(connection), type=_Call)
        except TimeoutError:
            return _Reply(error=f"no line came within {LINE_WAIT_S:g} s")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _Reply(error=f"what came is not one line of at most {LINE_BYTES_MAX} bytes with a call: {error}")
        if call.verb not in self._verbs:
            return _Reply(error=f"the daemon does not know the verb {call.verb!r}; is it of another version?")
        return await self._answer(call)

    async def _answer(self, call: _Call) -> _Reply:
        try:
            return _Reply(answer=await self._verbs[call.verb](call.arguments))
        except (StorageError, RequestError, ControlRefused, msgspec.ValidationError) as error:
            return _Reply(error=str(error))
        except Exception as error:  # the one edge of the socket, where every error is answered
            log.error("control_verb_failed", verb=call.verb, exc_info=error)
            return _Reply(error=f"{call.verb} failed; the error is in the daemon's log")


def ask(path: Path, verb: str, arguments: Arguments, timeout_s: float) -> Arguments:
    """Return what the daemon that listens on `path` answers to the verb; `timeout_s` is for each send and receive.

    Raises:
        ControlRefused: the verb said no.
        ControlError: nobody listens, answers in time, or answers in this protocol.
    """
    line = _line(_Call(verb, arguments))
    try:
        with _address(path) as address, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(address)
            connection.sendall(line)
            reply = msgspec.json.decode(_received_line(connection), type=_Reply)
    except TimeoutError:
        raise ControlError(f"{path}: the daemon did not answer within {timeout_s:g} s; see its log") from None
    except OSError as error:
        raise ControlError(f"{path}: no daemon answers ({error.strerror}); it may be starting or stopping") from None
    except msgspec.DecodeError as error:
        raise ControlError(f"{path}: what answers is no daemon of this version: {error}") from None
    if reply.answer is None:
        raise ControlRefused(reply.error or "refused without a reason")
    return reply.answer


def _line(message: _Call | _Reply) -> bytes:
    line = msgspec.json.encode(message) + b"\n"
    if len(line) > LINE_BYTES_MAX:
        raise ControlError(f"the line for the control socket is {len(line)} bytes long, at most {LINE_BYTES_MAX} go")
    return line


async def _sent_line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not _ended(received) and (chunk := await asyncio.get_running_loop().sock_recv(connection, LINE_BYTES_MAX)):
        received += chunk
    return bytes(received[: LINE_BYTES_MAX + 1])


def _received_line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not _ended(received) and (chunk := connection.recv(LINE_BYTES_MAX)):
        received += chunk
    return bytes(received)


def _ended(line: bytearray) -> bool:
    return line.endswith(b"\n") or len(line) > LINE_BYTES_MAX


def _listener(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        with _address(path) as address:
            listener.bind(address)
        # Nobody can connect before listen(2), so nobody ever reaches a socket of a wider mode.
        path.chmod(0o600)
        listener.listen(CONNECTIONS_WAITING_MAX)
        listener.settimeout(0)
    except BaseException:  # what was opened is closed whatever it is; it goes on
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket of a daemon that died: whoever holds the directory's lock is the only one alive."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} is not a socket; move it away")
    path.unlink()


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """Yield an address that binds or connects to `path`, through a descriptor of its directory where it is too long."""
    if len(os.fsencode(path)) <= ADDRESS_BYTES_MAX:
        yield str(path)
        return
    if not DESCRIPTORS.is_dir():
        raise ControlError(f"{path} is over {ADDRESS_BYTES_MAX} bytes long; use a data directory with a shorter path")
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(DESCRIPTORS / str(directory) / path.name)
    finally:
        os.close(directory)
