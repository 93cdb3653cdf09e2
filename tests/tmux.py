"""A real terminal: tmux runs the program, types keys, and tells what is on the screen and what came to it."""

import contextlib
import os
import shlex
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.needs import need_program

DEADLINE_S = 40.0


class Terminal:
    """One pane of a tmux server of its own."""

    def __init__(self, server: str, raw: Path) -> None:
        self._server = server
        self._raw = raw

    def screen(self) -> str:
        """Return the lines that are shown."""
        return self._tmux("capture-pane", "-p", "-t", "pane")

    def coloured(self) -> str:
        """Return the same with its escape sequences."""
        return self._tmux("capture-pane", "-p", "-e", "-t", "pane")

    def title(self) -> str:
        """Return the title of the terminal, which a program may set."""
        return self._tmux("display-message", "-p", "-t", "pane", "#{pane_title}").strip()

    def written(self) -> bytes:
        """Return every byte that the program wrote."""
        return self._raw.read_bytes()

    def press(self, *keys: str) -> None:
        """Type keys by tmux's names."""
        self._tmux("send-keys", "-t", "pane", *keys)

    def process(self) -> int:
        """Return the process id of the program."""
        return int(self._tmux("display-message", "-p", "-t", "pane", "#{pane_pid}"))

    def ended(self) -> bool:
        """Return whether the program has ended."""
        return self._tmux("display-message", "-p", "-t", "pane", "#{pane_dead}").strip() == "1"

    def until(self, holds: Callable[[str], bool]) -> str:
        """Return the screen once the condition holds of it."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds(shown := self.screen()):
            assert time.monotonic() < deadline, f"waited too long; the screen is\n{shown}"
            time.sleep(0.1)  # between two looks, until the deadline
        return shown

    def shows(self, *texts: str) -> str:
        """Return the screen once all the texts are on it."""
        return self.until(lambda shown: all(text in shown for text in texts))

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._server, *words], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def terminal(
    command: Sequence[str], directory: Path, *, size: tuple[int, int] = (80, 24), **environment: str
) -> Iterator[Terminal]:
    """Run the command in a terminal of that many columns and lines; skip, or with CI fail, where there is no tmux."""
    need_program("tmux")
    server, raw = f"footfall-{uuid.uuid4().hex[:12]}", directory / f"written-{uuid.uuid4().hex[:8]}.bin"
    columns, lines = size
    set_first = [
        "set-option",
        "-g",
        "remain-on-exit",
        "on",
        ";",
        "set-option",
        "-g",
        "default-terminal",
        "tmux-256color",
    ]
    run = f"{_assignments(environment)} exec {shlex.join(command)}"
    base = ["tmux", "-L", server, "-f", os.devnull]
    new = ["new-session", "-d", "-s", "pane", "-x", str(columns), "-y", str(lines), "sleep 1; " + run]
    try:
        subprocess.run([*base, *new, ";", *set_first], check=True, timeout=20)
        piped = Terminal(server, raw)
        raw.touch()
        piped._tmux("pipe-pane", "-t", "pane", f"cat >> {shlex.quote(str(raw))}")
        yield piped
    finally:
        subprocess.run([*base, "kill-server"], check=False, timeout=20, capture_output=True)


def _assignments(environment: Mapping[str, str]) -> str:
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
