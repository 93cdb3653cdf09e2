"""A daemon with somebody of every role: ann a user, ana an analyst, ADMIN an administrator, all with PASSWORD."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.house.daemon import ADMIN, PASSWORD, Daemon, wait_for

NICKNAMES = {"user": "ann", "analyst": "ana", "admin": ADMIN}


@contextlib.contextmanager
def peopled(root: Path, **environment: str) -> Iterator[Daemon]:
    """Yield such a daemon once it answers from its store; an analyst is made of a user by its file."""
    with Daemon.fresh(root, ACCESS_TOKEN_EXPIRE_MINUTES="60", **environment) as daemon:
        for name in ("ann", "ana"):
            person = {"nickname": name, "firstname": "A", "lastname": "N", "age": 33, "password": PASSWORD}
            daemon.post("/auth/signup", person)
        assert daemon.stop() == 0
        (file,) = [one for one in (daemon.data / "users").rglob("*.json") if '"nickname": "ana"' in one.read_text()]
        file.write_text(file.read_text().replace('"role": "user"', '"role": "analyst"'))
        daemon.start()
        token = daemon.admin_token()
        wait_for(lambda: daemon.get("/stats/summary", token))
        yield daemon
