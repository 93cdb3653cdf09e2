"""What is left of a crash: a private file without values of variables, its text cleaned."""

import os
from datetime import datetime
from pathlib import Path

from console.text import clean
from console.token_file import TOKEN_VARIABLE


def write_crash(directory: Path, report: str, at: datetime) -> Path:
    """Write the report, mode 0600, and return where it is."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"crash-{at:%Y%m%dT%H%M%S%f}.txt"
    secret = os.environ.get(TOKEN_VARIABLE)
    redacted = report.replace(secret, "<token>") if secret else report
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{clean(line)}\n" for line in redacted.splitlines())
    return path
