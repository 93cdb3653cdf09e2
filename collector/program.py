"""How a person starts one of our programs from where the daemon was started."""

import shutil
import sys
from pathlib import Path


def program(name: str) -> str:
    """Return the name where the shell finds it, else the path beside this Python, shortest form."""
    if shutil.which(name):
        return name
    path = Path(sys.executable).parent / name
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
