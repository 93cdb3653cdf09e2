"""Readers of GET /live, as many as wanted: they take what comes and throw it away."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

from bench.daemon import Daemon
from bench.errors import BenchFailed

CONNECT_S = 10.0
PIECE_BYTES = 1 << 16


@contextlib.contextmanager
def readers(daemon: Daemon, count: int) -> Iterator[None]:
    """Keep `count` streams open and empty; BenchFailed when one was refused or ended."""
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(_opened(daemon)) for _ in range(count)]
        stop, ended = threading.Event(), threading.Event()
        draining = threading.Thread(target=_drain, args=(streams, stop, ended))
        draining.start()
        try:
            yield
        finally:
            stop.set()
            draining.join()
    if ended.is_set():
        raise BenchFailed("a stream of GET /live ended by itself")


def _opened(daemon: Daemon) -> socket.socket:
    stream = socket.create_connection((daemon.server.host, daemon.server.port), CONNECT_S)
    head = f"GET /live HTTP/1.1\r\nHost: {daemon.server.host}\r\nAuthorization: Bearer {daemon.token}\r\n\r\n"
    stream.sendall(head.encode("ascii"))
    status = stream.recv(PIECE_BYTES).split(b"\r\n", 1)[0]
    if status != b"HTTP/1.1 200 OK":
        raise BenchFailed(f"GET /live was answered {status.decode('ascii', 'replace')}")
    return stream


def _drain(streams: list[socket.socket], stop: threading.Event, ended: threading.Event) -> None:
    while not stop.is_set():
        readable, _, _ = select.select(streams, [], [], 0.1)
        for stream in readable:
            if not stream.recv(PIECE_BYTES):
                ended.set()
                return
