"""A real daemon with one application, and what its store holds of that."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import duckdb
import msgspec

from tests.house.daemon import PASSWORD, Daemon, wait_for

OWNER = {"firstname": "Ada", "lastname": "Lovelace", "nickname": "owner", "age": 36, "password": PASSWORD}


class Shop(NamedTuple):
    """An application that clients send to."""

    daemon: Daemon
    app_code: str
    api_token: str
    owner: str

    async def lists(self, **settings: list[str]) -> None:
        """Let the application have these origins or hostnames."""
        headers = {"Authorization": f"Bearer {self.owner}"}
        async with (
            aiohttp.ClientSession(self.daemon.url, headers=headers) as session,
            session.patch(f"/app/{self.app_code}", json=settings) as answer,
        ):
            assert answer.status == 200

    def stored(self) -> list[dict[str, Any]]:
        """Stop the daemon once it has stored all that it has answered, and return the application's events in order."""
        token = self.daemon.admin_token()
        wait_for(lambda: self.daemon.get("/health", token)["ledger"]["pending"] == 0)
        self.daemon.stop()
        query = """
            SELECT events.*, agent.user_agent FROM events LEFT JOIN agent USING (agent_id)
            WHERE app_code = ? ORDER BY log_id, "offset"
        """
        with duckdb.connect(str(self.daemon.data / "store" / "events.duckdb"), read_only=True) as file:
            found = file.execute(query, [self.app_code])
            names = [column[0] for column in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return [row | {"attrs": msgspec.json.decode(row["attrs"] or "{}")} for row in rows]


@contextmanager
def open_shop(root: Path) -> Iterator[Shop]:
    """Yield a shop on a new daemon."""
    with Daemon.fresh(root) as daemon:
        owner = str(daemon.post("/auth/signup", OWNER)["jwt_token"])
        made = daemon.post("/app/create", {"app_name": "shop"}, owner)
        yield Shop(daemon, str(made["app_code"]), str(made["api_token"]), owner)
