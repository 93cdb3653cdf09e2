"""`python -m examples.demo.pictures`: the README's pictures, taken of the demo in a real terminal (tmux)."""

import io
import re
import subprocess
import sys
import time
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SERVER = "footfall-pictures"
SIZES = ((80, 24), (120, 40))
READY, DEADLINE_S, SETTLE_S = "● live", 60.0, 20.0
THEME = TerminalTheme((18, 18, 18), (224, 224, 224), [(0, 0, 0)] * 8)
FORMAT = re.sub(r"@font-face {{.*?}}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Without the fonts that rich would load from elsewhere: a picture of ours asks nobody."""


def main() -> None:
    """Take a picture of each mode at each size."""
    for columns, lines in SIZES:
        demo = [sys.executable, "-m", "examples.demo", "--seconds", "120"]
        _tmux("new-session", "-d", "-s", "pane", "-x", str(columns), "-y", str(lines), *demo)
        try:
            _wait()
            for key, mode in (("1", "overview"), ("3", "live"), ("5", "admin")):
                _tmux("send-keys", "-t", "pane", key)
                time.sleep(SETTLE_S)  # a picture wants some visitors on it
                _write(PICTURES / f"{mode}-{columns}x{lines}.svg", columns)
            _tmux("send-keys", "-t", "pane", "q")
            time.sleep(2)  # the demo takes its daemon down
        finally:
            subprocess.run(["tmux", "-L", SERVER, "kill-server"], check=False, capture_output=True)


def _wait() -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while READY not in _tmux("capture-pane", "-p", "-t", "pane"):
        if time.monotonic() > deadline_s:
            raise SystemExit("the console did not come")
        time.sleep(0.5)  # between two looks, until the deadline


def _write(path: Path, columns: int) -> None:
    screen = Text.from_ansi(_tmux("capture-pane", "-p", "-e", "-t", "pane"))
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(screen, end="")
    path.write_text(console.export_svg(title="footfall", theme=THEME, code_format=FORMAT), encoding="utf-8")


def _tmux(*words: str) -> str:
    command = ["tmux", "-L", SERVER, "-f", "/dev/null", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
