"""The figures of sign-in: how much of it is the hash, what an unknown name tells by its time, what refused tries cost others."""

import http.client
import itertools
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt

from bench import load
from bench.daemon import Daemon, running
from bench.errors import BenchFailed
from bench.figures import Figure, aimed, compared, compared_once
from bench.load import Load, percentile

TRIES_PER_S = 5
"""Of each kind, for each second of a slice: one takes a quarter of a second."""
ROUNDS = 5
ANSWER_S = 60.0

HASHES_MAX = 1.2
SIGNIN_MS_MAX = 300.0
UNKNOWN_PARTS_MAX = 0.1
"""Of a hash: how far the medians of known and unknown names may lie apart (row B3 of the checklist)."""
HEALTH_RATIO_MAX = 1.5
"""A p99 that stays what it was varies by as much from slice to slice."""

THROTTLED_PER_S = 333
"""1,000 in a slice of three seconds."""
THROTTLED_CONNECTIONS = 8
HEALTH_PER_S = 100
HEALTH_CONNECTIONS = 4
REFUSED = 429

PERSON = {"nickname": "signin", "firstname": "S", "lastname": "I", "age": 33}
RIGHT, WRONG = "correct horse battery", "wrong horse battery"
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


class SigninBench:
    """Signs in at a daemon of its own, with the shipped cost and limits; each try comes from an address of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._addresses = (f"198.51.{number // 250}.{number % 250 + 1}" for number in itertools.count())

    def figures(self, seconds: float) -> list[Figure]:
        """Return milliseconds by the clock, each beside its baseline, by turns."""
        self._directory.mkdir()
        with running(self._directory) as daemon:
            daemon.await_store()
            self._ms(daemon, "/auth/signup", PERSON | {"password": RIGHT}, 200)
            tries = max(2, round(TRIES_PER_S * seconds))
            return [
                *self._signins(daemon, tries),
                *self._beside_throttled(daemon, seconds),
            ]

    def _signins(self, daemon: Daemon, tries: int) -> list[Figure]:
        hashed = bcrypt.hashpw(RIGHT.encode(), bcrypt.gensalt(daemon.settings.identity.bcrypt_cost))
        right, alone, known, unknown = [], [], [], []
        front_s = hash_s = 0.0
        for _ in range(tries):
            hash_s -= time.process_time()
            alone.append(_hash_ms(hashed))
            hash_s += time.process_time()
            front_s -= daemon.server.cpu_s()
            right.append(self._signin_ms(daemon, "signin", RIGHT, 200))
            front_s += daemon.server.cpu_s()
            known.append(self._signin_ms(daemon, "signin", WRONG, 401))
            unknown.append(self._signin_ms(daemon, "nobody", WRONG, 401))
        signin = compared("sign-in, p50", "ms", right, alone)
        apart = abs(statistics.median(unknown) - statistics.median(known)) / statistics.median(alone)
        return [
            aimed(
                signin,
                f"<= {HASHES_MAX:g} hashes and {SIGNIN_MS_MAX:g} ms",
                met=statistics.median(right) <= min(HASHES_MAX * statistics.median(alone), SIGNIN_MS_MAX),
            ),
            compared_once("  processor time of the front", "ms", front_s / tries * 1000, hash_s / tries * 1000),
            aimed(
                compared("  of an unknown name, beside a wrong password", "ms", unknown, known),
                f"{UNKNOWN_PARTS_MAX:.0%} of a hash apart",
                met=apart <= UNKNOWN_PARTS_MAX,
            ),
        ]

    def _beside_throttled(self, daemon: Daemon, seconds: float) -> list[Figure]:
        request = _signin_request(next(self._addresses))
        alone, beside, refused = [], [], 0
        with ThreadPoolExecutor() as threads:
            for _ in range(ROUNDS):
                alone.append(_p99_ms(_health(daemon, seconds)))
                trying = threads.submit(_tried, daemon, request, seconds)
                beside.append(_p99_ms(_health(daemon, seconds)))
                refused += trying.result().statuses[REFUSED]
        p99 = compared(f"/health p99, {THROTTLED_PER_S} throttled sign-ins a second", "ms", beside, alone)
        met = p99.ratio is not None and p99.ratio <= HEALTH_RATIO_MAX
        return [
            aimed(p99, f"ratio <= {HEALTH_RATIO_MAX:g}", met=met),
            Figure(figure="  refused", value=refused // ROUNDS, unit=""),
        ]

    def _signin_ms(self, daemon: Daemon, nickname: str, password: str, expected: int) -> float:
        return self._ms(daemon, "/auth/signin", {"nickname": nickname, "password": password}, expected)

    def _ms(self, daemon: Daemon, path: str, body: dict[str, object] | dict[str, str], expected: int) -> float:
        headers = {"Content-Type": "application/json", "X-Forwarded-For": next(self._addresses)}
        connection = http.client.HTTPConnection(daemon.server.host, daemon.server.port, timeout=ANSWER_S)
        connection.connect()
        began = time.perf_counter()
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        elapsed_s = time.perf_counter() - began
        connection.close()
        if answer.status != expected:
            raise BenchFailed(f"{path} answered {answer.status}, not {expected}")
        return elapsed_s * 1000


def _hash_ms(hashed: bytes) -> float:
    began = time.perf_counter()
    bcrypt.checkpw(RIGHT.encode(), hashed)
    return (time.perf_counter() - began) * 1000


def _signin_request(address: str) -> bytes:
    body = json.dumps({"nickname": "signin", "password": WRONG})
    head = f"POST /auth/signin HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {address}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _tried(daemon: Daemon, request: bytes, seconds: float) -> Load:
    server = daemon.server
    return load.run(
        server.host,
        server.port,
        lambda: request,
        connections=THROTTLED_CONNECTIONS,
        seconds=seconds,
        rate=THROTTLED_PER_S,
    )


def _health(daemon: Daemon, seconds: float) -> Load:
    server = daemon.server
    return load.run(
        server.host, server.port, lambda: HEALTH, connections=HEALTH_CONNECTIONS, seconds=seconds, rate=HEALTH_PER_S
    )


def _p99_ms(taken: Load) -> float:
    return percentile(taken.latencies_s, 99) * 1000
