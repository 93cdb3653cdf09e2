"""The application stores that take part in the contract suite, and applications to put into them."""

import contextlib
import secrets
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

from storage.account_ports import AppStore
from storage.app import App, ReadToken, WriteToken
from storage.app_files import AppFiles
from tests.fakes.apps import MemoryApps

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def in_files(directory: Path) -> AbstractAsyncContextManager[AppStore]:
    return AppFiles(directory / "apps")


def in_memory(_: Path) -> AbstractAsyncContextManager[AppStore]:
    return contextlib.nullcontext(MemoryApps())


APP_STORES = [in_files, in_memory]


def app(app_name: str = "shop", *, owner_id: str = "ada", created_at: datetime = NOON, **members: object) -> App:
    made = {"app_code": f"{app_name}-{secrets.token_hex(4)}", "write_tokens": (write_token(),)} | members
    return App(app_name=app_name, owner_id=owner_id, created_at=created_at, **made)  # type: ignore[arg-type]


def write_token() -> WriteToken:
    return WriteToken(secrets.token_hex(4), f"ffw_{secrets.token_hex(4)}", NOON)


def read_token() -> ReadToken:
    return ReadToken(
        token_id=secrets.token_hex(4),
        digest=secrets.token_hex(32),
        name="report",
        scopes=("analytics",),
        created_at=NOON,
    )
