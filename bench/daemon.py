"""The footfalld under test: a new data directory, an administrator, real processes."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.errors import BenchFailed
from bench.process import Server, interrupts_deferred, started
from collector.config import load_settings
from collector.settings import Settings
from collector.wire.accounts import SignedIn
from collector.wire.health import Health, LogHealth, StoreHealth
from collector.wire.statistics import SummaryAnswer

CONFIG = Path(__file__).parent.parent / "config.toml"
VERB_S = 60.0
ANSWER_S = 60.0
STORE_S = 30.0
LOOK_S = 0.05
ADMIN = "bench"

ENVIRONMENT = {
    "FOOTFALL_LOG__DISK_FREE_BYTES_MIN": "0",  # a watermark would only refuse
    "ACCESS_TOKEN_EXPIRE_MINUTES": "1440",  # one sign-in is enough for the whole run
}
"""Settings for the bench, none of them about what is measured."""


class Daemon:
    """A running footfalld, and the questions that an administrator may ask it."""

    def __init__(self, server: Server, settings: Settings, token: str) -> None:
        self.server = server
        self.settings = settings
        self.token = token

    def logged(self) -> LogHealth:
        """Return what the log says of itself."""
        health = self._health()
        assert isinstance(health.log, LogHealth), "an administrator is told"
        return health.log

    def stored(self) -> StoreHealth:
        """Return what the store says of itself; BenchFailed while it is away."""
        health = self._health()
        if not isinstance(health.store, StoreHealth):
            raise BenchFailed(f"the store does not answer: {health.reasons}")
        return health.store

    def summary(self) -> SummaryAnswer:
        """Return the totals as the statistics count them, from the rows themselves."""
        return msgspec.json.decode(_ask(self.server.url + "/stats/summary?limit=1", self.token), type=SummaryAnswer)

    def await_store(self) -> None:
        """Return once the store has all that is in the log, the sign-in too; BenchFailed where it takes over STORE_S."""
        deadline = time.monotonic() + STORE_S
        while not isinstance(store := self._health().store, StoreHealth) or store.lag_bytes:
            if time.monotonic() > deadline:
                raise BenchFailed(f"the store is away, or behind, for {STORE_S:g} s")
            time.sleep(LOOK_S)

    def query(self, question: bytes) -> None:
        """Ask POST /query and throw the answer away; BenchFailed unless there is one."""
        _ask(self.server.url + "/query", self.token, question)

    def call(self, method: str, path: str, body: object) -> bytes:
        """Send the administrator's request and return the answer; BenchFailed unless it was answered 2xx."""
        return _ask(self.server.url + path, self.token, json.dumps(body).encode(), method)

    def track(self, body: bytes) -> None:
        """Track one action; BenchFailed unless it was answered 202."""
        _ask(self.server.url + "/track", body=body)

    def _health(self) -> Health:
        return msgspec.json.decode(_ask(self.server.url + "/health", self.token), type=Health)


@contextlib.contextmanager
def running(directory: Path, **variables: str) -> Iterator[Daemon]:
    """Yield a daemon on the data directory below `directory` and a free port.

    Settings are those of config.toml, but for environment `variables`. What the directory holds of a
    log and a store is taken over; accounts there must be none.
    """
    environment = os.environ | ENVIRONMENT | variables
    flags = ["--config", str(CONFIG), "--env-file", str(directory / ".env"), "--data", str(directory / "data")]
    password = secrets.token_urlsafe()
    _verb("init", *flags, directory=directory, environment=environment)
    _verb(
        "admin", "add", ADMIN, "--password-stdin", *flags, directory=directory, environment=environment, said=password
    )
    serve = [sys.executable, "-m", "collector", "serve", *flags, "--host", "127.0.0.1", "--port", "0"]
    with started(serve, directory=directory, environment=environment) as server:
        settings = load_settings(CONFIG, environment, data_dir=None, host=None, port=None)
        yield Daemon(server, settings, _signed_in(server, password))


def _verb(*verb: str, directory: Path, environment: dict[str, str], said: str = "") -> None:
    with interrupts_deferred():
        done = subprocess.run(
            [sys.executable, "-m", "collector", *verb],
            cwd=directory,
            env=environment,
            input=said + "\n",
            capture_output=True,
            text=True,
            timeout=VERB_S,
            check=False,
        )
    if done.returncode != 0:
        raise BenchFailed(f"footfalld {verb[0]} failed: {done.stderr.strip()}")


def _signed_in(server: Server, password: str) -> str:
    body = json.dumps({"nickname": ADMIN, "password": password}).encode()
    return msgspec.json.decode(_ask(server.url + "/auth/signin", body=body), type=SignedIn).jwt_token


def _ask(url: str, token: str | None = None, body: bytes | None = None, method: str | None = None) -> bytes:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, body, headers, method=method), timeout=ANSWER_S
        ) as answer:
            return bytes(answer.read())
    except OSError as error:
        raise BenchFailed(f"{url}: {error}") from None
