"""A life of accounts, step by step: `python -m tests.crash.accounts DATA` is what is recorded.

Each step is acknowledged by a line on standard output once it has been answered, so that a recording says what must be
there after a cut.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from storage.account_ports import UserStore
from storage.user import User
from storage.user_files import UserFiles
from tests.crash.images import STANDARD_OUTPUT
from tests.fakes.users import MemoryUsers

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
USERS = [
    User(
        user_id=f"{number:032x}",
        role="user",
        created_at=NOON,
        password_hash="hash" * 150,  # a file of more than one sector
        nickname=f"u{number}",
        email=f"u{number}@example.org",
    )
    for number in range(8)
]
"""The last two have the names of the first two, who are removed before."""
USERS[6:] = [replace(USERS[6], nickname="u0", email="u0@example.org"), replace(USERS[7], nickname="u1")]

Act = Callable[[UserStore], Awaitable[object]]


def added(number: int) -> Act:
    return lambda users: users.add(USERS[number])


def removed(number: int) -> Act:
    return lambda users: users.remove(USERS[number].user_id, NOON)


def changed(number: int, **members: object) -> Act:
    return lambda users: users.update(USERS[number].user_id, lambda one: replace(one, **members))


def seen(number: int, minute: int) -> Act:
    async def see(users: UserStore) -> None:
        users.saw(USERS[number].user_id, NOON + timedelta(minutes=minute))

    return see


LIVES: list[list[Act]] = [
    [],
    [added(0), added(1), added(2), changed(1, role="admin"), seen(0, 1), seen(1, 1)],
    [added(3), changed(0, nickname="renamed"), removed(0), seen(1, 2), added(6), changed(3, firstname="🙂" * 400)],
    [removed(1), added(7), seen(2, 3), changed(2, email="other@example.org"), changed(2, email=None), removed(3)],
]
"""The acts between a start and an end, at which is written who was last seen."""


class State(NamedTuple):
    """What must be there after a step: users by user_id, and when they were last seen as far as that is written."""

    users: dict[str, User]
    seen: dict[str, datetime]


async def states() -> list[State]:
    """Return the state before the first step and after each, told by a store that has no disk."""
    users = MemoryUsers()
    found = [State({}, {})]
    for acts in LIVES:
        for act in acts:
            await act(users)
            found.append(await _state(users, found[-1].seen))
        times = {user.user_id: users.last_seen(user.user_id) for user in USERS}
        found.append(await _state(users, {user_id: at for user_id, at in times.items() if at is not None}))
    return found


async def _state(users: UserStore, kept: dict[str, datetime]) -> State:
    found = [await users.by_id(user.user_id) for user in USERS]
    return State({user.user_id: user for user in found if user is not None}, kept)


async def main(data: Path) -> None:
    for acts in LIVES:
        async with UserFiles(data / "users", cached_users_max=10) as users:
            for act in acts:
                await act(users)
                os.write(STANDARD_OUTPUT, b".")
        os.write(STANDARD_OUTPUT, b".")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
