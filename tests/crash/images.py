"""What every call of a recorded life that changes a file would leave behind."""

import random
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from tests.crash.machine import Machine
from tests.crash.recording import Call, record

STANDARD_OUTPUT = 1

Leave = Callable[[Machine, Path], None]
"""Writes what a machine leaves into a new directory."""

State = TypeVar("State")


class Recording(NamedTuple, Generic[State]):
    """What a life did below `root`, where nothing was before, and the states it went through."""

    root: Path
    before: Path
    calls: list[Call]
    states: list[State]

    @property
    def acknowledged(self) -> int:
        """How many steps were acknowledged."""
        return sum(is_acknowledgement(call) for call in self.calls)


class Image(NamedTuple):
    """A data directory that was left behind so many acknowledged steps."""

    data: Path
    acknowledged: int


Check = Callable[[Image, list[State]], Awaitable[None]]
"""Starts on an image, with the states that a life went through; raises Violated where a promise is broken."""


def recorded(module: str, work: Path, states: list[State]) -> Recording[State]:
    """Run `python -m module DATA`, which writes a character for each step that was answered."""
    root, before = work / "data", work / "before"
    root.mkdir()
    before.mkdir()
    calls = record([sys.executable, "-m", module, str(root)], work / "strace")
    return Recording(root, before, calls, states)


def images(recording: Recording[State], machine: Machine, leave: Leave, directory: Path) -> Iterator[Image]:
    """Yield what is left behind every call that changes something, each gone with the next."""
    acknowledged = 0
    for call in recording.calls:
        acknowledged += is_acknowledgement(call)
        if machine.do(call):
            image = directory / "image"
            leave(machine, image)
            for made in image.iterdir():
                if made.is_dir():
                    made.chmod(0o700)
            yield Image(image, acknowledged)
            shutil.rmtree(image)


async def check_images(
    recording: Recording[State], machine: Machine, leave: Leave, directory: Path, check: Check[State]
) -> int:
    """Check what is left behind each call that changes something, and return how many those are."""
    count = 0
    for image in images(recording, machine, leave, directory):
        await check(image, recording.states)
        count += 1
    return count


def is_acknowledgement(call: Call) -> bool:
    return call.name == "write" and call.descriptor == STANDARD_OUTPUT


def cut_by(dice: random.Random) -> Leave:
    return lambda machine, image: machine.cut(image, dice)
