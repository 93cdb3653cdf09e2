"""The user stores that take part in the contract suite, and users to put into them."""

import contextlib
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from storage.account_ports import UserStore
from storage.user import Session, User
from storage.user_files import UserFiles
from tests.fakes.users import MemoryUsers

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def in_files(directory: Path) -> AbstractAsyncContextManager[UserStore]:
    return UserFiles(directory / "users", cached_users_max=100)


def in_files_without_cache(directory: Path) -> AbstractAsyncContextManager[UserStore]:
    return UserFiles(directory / "users", cached_users_max=0)


def in_memory(_: Path) -> AbstractAsyncContextManager[UserStore]:
    return contextlib.nullcontext(MemoryUsers())


STORES = [in_files, in_files_without_cache, in_memory]


def user(nickname: str | None = None, *, email: str | None = None) -> User:
    return User(
        user_id=secrets.token_hex(16),
        role="user",
        created_at=NOW,
        password_hash="hash",
        nickname=nickname,
        email=email,
    )


def with_session(sid: str) -> Callable[[User], User]:
    return lambda one: replace(one, sessions=(*one.sessions, Session(sid=sid, created_at=NOW, expires_at=NOW)))
