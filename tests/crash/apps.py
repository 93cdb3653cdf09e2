"""A life of applications, step by step: `python -m tests.crash.apps DATA` is what is recorded.

Each step is acknowledged by a character on standard output once it has been answered.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from storage.account_ports import AppStore
from storage.app import App, EventDefinition, WriteToken
from storage.app_files import AppFiles
from tests.contracts.apps import NOON
from tests.crash.images import STANDARD_OUTPUT
from tests.fakes.apps import MemoryApps

MANY = tuple(EventDefinition(f"e-{number}", f"event {number}", ()) for number in range(20))
"""For a file of more than one sector."""
APPS = [
    App(
        app_code=f"app-{number}",
        app_name=f"a{number}",
        owner_id="ada",
        created_at=NOON + timedelta(minutes=number),
        write_tokens=(WriteToken(f"t{number}", f"ffw_{number}", NOON),),
        definitions=MANY,
    )
    for number in range(5)
]
APPS[4] = replace(APPS[4], app_name="a0")
"""It has the name of the first, which is removed before."""

Act = Callable[[AppStore], Awaitable[object]]
State = dict[str, App]
"""What must be there after a step, by app_code."""


def added(number: int) -> Act:
    return lambda apps: apps.add(APPS[number])


def removed(number: int) -> Act:
    return lambda apps: apps.remove(APPS[number].app_code)


def changed(number: int, **members: object) -> Act:
    return lambda apps: apps.update(APPS[number].app_code, lambda one: replace(one, **members))


def rotated(number: int) -> Act:
    new = WriteToken("new", "ffw_new", NOON)
    return lambda apps: apps.update(
        APPS[number].app_code, lambda one: replace(one, write_tokens=(new, *one.write_tokens))
    )


LIVES: list[list[Act]] = [
    [],
    [added(0), added(1), changed(0, origins=("https://a.example",)), rotated(1), added(2)],
    [removed(0), added(4), changed(1, definitions=()), changed(2, app_name="renamed"), added(3), removed(2)],
]
"""The acts between a start and an end."""


async def states() -> list[State]:
    """Return the state before the first step and after each, told by a store that has no disk."""
    apps = MemoryApps()
    found: list[State] = [{}]
    for act in [act for acts in LIVES for act in acts]:
        await act(apps)
        found.append({app.app_code: app for app in apps.every()})
    return found


async def main(data: Path) -> None:
    for acts in LIVES:
        async with AppFiles(data / "apps") as apps:
            for act in acts:
                await act(apps)
                os.write(STANDARD_OUTPUT, b".")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
