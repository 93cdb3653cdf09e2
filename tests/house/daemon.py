"""A real footfalld as the tests run it: own process group, own directory, killed at the end whatever happens."""

import atexit
import contextlib
import functools
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

START_S = 60.0
STOP_S = 30.0
ADMIN = "boss"
PASSWORD = "correct horse battery"
TOKEN_NAME = "admin_token"
"""Below the data directory of a daemon that is fresh."""

QUICK = {
    "FOOTFALL_IDENTITY__BCRYPT_COST": "4",
    "FOOTFALL_IDENTITY__CHANGES_PER_MINUTE": "100000",
    "FOOTFALL_IDENTITY__SIGNINS_PER_MINUTE": "100000",
    "FOOTFALL_IDENTITY__SIGNUPS_PER_MINUTE": "100000",
    "FOOTFALL_LOG__DISK_FREE_BYTES_MIN": "0",
    "FOOTFALL_STORE__RESTART_WAIT_S": "0.05",
    "FOOTFALL_STORE__RESTART_WAIT_S_MAX": "0.2",
}
"""Settings that make a daemon quick to test, none of them about what is promised."""


class Daemon:
    """`footfalld serve` below `root`; it can be started again after it was stopped or killed."""

    def __init__(self, root: Path, *, prefix: tuple[str, ...] = (), **environment: str) -> None:
        self.data = root / "data"
        self.env_file = root / ".env"
        self.stderr_file = root / "stderr.log"
        self.url = ""
        self._root = root
        root.mkdir(exist_ok=True)
        self._prefix = prefix
        self._environment = os.environ | QUICK | environment
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    @contextlib.contextmanager
    def fresh(cls, root: Path, **environment: str) -> Iterator[Self]:
        """Yield a running daemon on a new data directory, with the administrator ADMIN, and a free port."""
        daemon = cls(root, **environment)
        shutil.copytree(_made(), root, dirs_exist_ok=True)
        with daemon:
            daemon.start()
            yield daemon

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill_tree()

    @property
    def process(self) -> int:
        """The process id of the front."""
        assert self._process is not None
        return self._process.pid

    def run(self, *verb: str, input: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:  # noqa: A002
        """Run a verb of footfalld to its end on the same directory."""
        done = subprocess.run(
            [*self._command(*verb)],
            cwd=self._root,
            env=self._environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def start(self, port: int = 0) -> None:
        """Start serving and return once connections are accepted; port 0 is any free one."""
        assert self.launch(port), self.stderr_file.read_text()

    def launch(self, port: int = 0) -> bool:
        """Start serving, and return whether connections came to be accepted before it ended."""
        with self.stderr_file.open("a") as stderr:
            self._process = subprocess.Popen(
                [*self._prefix, *self._command("serve"), "--host", "127.0.0.1", "--port", str(port)],
                cwd=self._root,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        found = re.search(r"http://\S+", self._process.stdout.readline())
        self.url = found.group() if found is not None else ""
        return found is not None

    def ended(self) -> bool:
        """Return whether the front has ended by itself."""
        assert self._process is not None
        return self._process.poll() is not None

    def stores(self) -> list[int]:
        """Return the process ids of the front's living children."""
        children = Path(f"/proc/{self.process}/task/{self.process}/children")
        return [int(child) for child in children.read_text().split()]

    def store(self) -> int:
        """Return the process id of the store, once it answers: who is stopped before its start holds up the front."""
        wait_for(lambda: self.get("/health", self.admin_token())["store"])
        return self.stores()[0]

    def kill_front(self) -> None:
        """SIGKILL the front alone, as an out-of-memory kill does, and wait until the kernel has taken it away."""
        assert self._process is not None
        self._process.kill()
        self._gone()

    def kill_store(self) -> None:
        """SIGKILL the store process alone."""
        for child in self.stores():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def kill_tree(self) -> None:
        """SIGKILL every process of the daemon at once."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._gone()

    def stop(self) -> int:
        """SIGTERM, and return the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._gone()

    def wait(self) -> int:
        """Wait until the daemon ends by itself, and return the exit status."""
        return self._gone()

    def admin_token(self) -> str:
        """Return the token of the administrator ADMIN, made when there is none yet; a sign-in is an event."""
        if (made := self.data / TOKEN_NAME).exists():
            return made.read_text()
        with contextlib.suppress(urllib.error.HTTPError):
            return self.sign_in()
        self.add_admin()
        return self.sign_in()

    def sign_in(self) -> str:
        """Return the token of a new session of the administrator ADMIN."""
        return str(self.post("/auth/signin", {"nickname": ADMIN, "password": PASSWORD})["jwt_token"])

    def add_admin(self) -> None:
        """Add the administrator ADMIN."""
        self.run("admin", "add", ADMIN, "--password-stdin", input=f"{PASSWORD}\n")

    def get(self, path: str, token: str | None = None) -> dict[str, object]:
        """GET a path and return the JSON body."""
        return dict(json.loads(self.open(path, None, token)))

    def post(self, path: str, body: object, token: str | None = None) -> dict[str, object]:
        """POST a JSON body and return the JSON answer; urllib.error.HTTPError for other statuses than 2xx."""
        return dict(json.loads(self.open(path, json.dumps(body).encode(), token)))

    def open(self, path: str, body: bytes | None, token: str | None = None, *, method: str | None = None) -> bytes:
        """Send a request, as a rule GET without a body and POST with one, and return the answer's bytes."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())

    def _command(self, *verb: str) -> list[str]:
        flags = ["--data", str(self.data), "--env-file", str(self.env_file)]
        return [sys.executable, "-m", "collector", *verb, *flags]

    def _gone(self) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        assert process.stdout is not None
        status = process.wait(STOP_S)
        process.stdout.close()
        return status


@functools.cache
def _made() -> Path:
    """Return a data directory with its secrets and an administrator; made once, as it is the same every time."""
    directory = tempfile.TemporaryDirectory()
    atexit.register(directory.cleanup)
    daemon = Daemon(Path(directory.name))
    daemon.run("init")
    daemon.add_admin()
    with Daemon(Path(directory.name), ACCESS_TOKEN_EXPIRE_MINUTES="1440") as signing:
        signing.start()
        (signing.data / TOKEN_NAME).write_text(signing.admin_token())
        signing.stop()
    # What the sign-in left is no event of whoever starts from here.
    for made in ("log", "archive", "store"):
        shutil.rmtree(signing.data / made, ignore_errors=True)  # the archive may not be there yet
    return Path(directory.name)


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Return once the condition holds; StoreDown answers, and an export that breaks off, count as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(urllib.error.HTTPError, http.client.IncompleteRead, ConnectionError):
            if condition():
                return
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)  # between two looks, until the deadline


def processes_below(directory: Path) -> list[int]:
    """Return the process ids of whatever works in the directory or below."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str(entry.joinpath("cwd").readlink()).startswith(str(directory)):
                    found.append(int(entry.name))
            except OSError:
                continue  # it has ended meanwhile, or is another user's
    return found
