"""Rows H3, H7 and H8 on a real daemon: who sends slowly, without end or two things at once keeps nobody else waiting."""

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.process import resident_mb
from tests.house.daemon import Daemon, wait_for

LIMIT_S = 0.5
DEADLINE_S = 30.0
SENDERS = 200
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
FLOOD_MB = 100
GROWTH_MB = 8
HEAD = b"POST /auth/signin HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BODY = HEAD + b"Content-Length: 100\r\n\r\n"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    limits = {"FOOTFALL_SERVER__IDLE_S": str(LIMIT_S), "FOOTFALL_SERVER__BODY_WAIT_S": str(LIMIT_S)}
    with Daemon.fresh(tmp_path_factory.mktemp("slow") / "house", **limits) as running:
        yield running


def connected(daemon: Daemon) -> socket.socket:
    host, _, port = daemon.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=DEADLINE_S)


def dripped(one: socket.socket, start: bytes, drop: bytes) -> bytes:
    """Send the start, then drop after drop until the other side ends it; return what it said."""
    one.sendall(start)
    one.settimeout(LIMIT_S / 5)
    said, until = b"", time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        with contextlib.suppress(TimeoutError):
            received = one.recv(1 << 16)
            if not received:
                return said
            said += received
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            one.sendall(drop)
    raise AssertionError(f"still open after {DEADLINE_S:g} s: {said!r}")


HEADS = {
    "nothing at all": (b"", b""),
    "half a request line": (b"GET /hea", b""),
    "a header now and then": (b"GET /health HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n"),
    "one header letter by letter": (b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: ", b"b"),
}


@pytest.mark.parametrize(("start", "drop"), HEADS.values(), ids=HEADS.keys())
def test_h7_a_head_that_does_not_end_is_cut_off(daemon: Daemon, start: bytes, drop: bytes):
    with connected(daemon) as one:
        assert dripped(one, start, drop) == b""


BODIES = {
    "nothing of it": (BODY, b""),
    "a byte now and then": (BODY, b" "),
    "a chunk now and then": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


def test_h7_a_body_that_does_not_end_is_answered_408_and_cut_off(daemon: Daemon):
    with contextlib.ExitStack() as opened, ThreadPoolExecutor(len(BODIES)) as threads:
        senders = [opened.enter_context(connected(daemon)) for _ in BODIES]
        answers = list(threads.map(dripped, senders, *zip(*BODIES.values(), strict=True)))
    for said in answers:
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"\r\nConnection: close" in head
        assert b'"code":"body_too_slow"' in body


def test_h7_others_are_served_while_many_send_slowly(daemon: Daemon):
    with contextlib.ExitStack() as opened:
        for number in range(SENDERS):
            one = opened.enter_context(connected(daemon))
            one.sendall(BODY if number % 2 else HEAD)
        for _ in range(20):
            assert daemon.post("/track", {"source_label": "a"})["status"] == "accepted"
            assert daemon.get("/ready") == {"status": "ready"}


def test_h3_a_body_without_a_length_and_without_an_end_takes_no_memory(daemon: Daemon):
    for _ in range(3):
        daemon.get("/health")
    before_mb = resident_mb(daemon.process)
    with connected(daemon) as one:
        one.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(FLOOD_MB * 16):
                one.sendall(CHUNK)
        assert resident_mb(daemon.process) < before_mb + GROWTH_MB
        with contextlib.suppress(ConnectionResetError):
            assert one.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
    wait_for(lambda: daemon.get("/ready") == {"status": "ready"})


def test_h8_what_hides_behind_two_lengths_is_never_served(daemon: Daemon):
    hidden = b"GET /auth/me HTTP/1.1\r\nHost: a\r\n\r\n"
    both = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(hidden))
    with connected(daemon) as one:
        one.sendall(HEAD + both + hidden)
        said = b"".join(iter(lambda: one.recv(1 << 16), b""))
    assert said.startswith(b"HTTP/1.0 400 ")
    assert said.count(b"HTTP/1.") == 1
