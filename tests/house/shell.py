"""A shell that blocks of a page are pasted into, as a reader does."""

import os
import subprocess
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.house.daemon import wait_for

PASTED = "that-was-the-block"


class Shell:
    """One sh that blocks are pasted into; `-e` ends it at the first command that fails."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._screen = directory / "screen.txt"
        with self._screen.open("w") as screen:
            self._process = subprocess.Popen(
                ["sh", "-eu"],
                cwd=directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=screen,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def paste(self, block: str) -> str:
        """Return what the block printed, once its last command has succeeded."""
        before = len(self._screen.read_text())
        assert self._process.stdin is not None
        self._process.stdin.write(f"{block}\necho {PASTED}\n")
        self._process.stdin.flush()
        wait_for(lambda: self._ended() or PASTED in self._screen.read_text()[before:])
        assert not self._ended(), self._screen.read_text()[before:]
        return self._screen.read_text()[before:]

    def _ended(self) -> bool:
        return self._process.poll() is not None


def newcomer(root: Path, url: str) -> dict[str, str]:
    """Return the environment of somebody who has just begun, with .venv where the README expects it."""
    (root / ".venv").symlink_to(Path(sysconfig.get_path("scripts")).parent)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTFALL_", "XDG_"))}
    return own | {"HOME": str(root), "FOOTFALL_URL": url}
