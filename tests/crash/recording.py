"""What a process does to files: the calls that succeed, with every byte, as strace writes them down."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.needs import need_command

OF_FILES = ("pwrite64", "write", "ftruncate", "fsync", "fdatasync")
OF_NAMES = ("rename", "unlink", "mkdir", "rmdir")

REPLAYED = ("openat", "close", *OF_FILES, *OF_NAMES)
"""What DuckDB and our own files use on Linux."""

REFUSED = (
    *("copy_file_range", "creat", "fallocate", "link", "linkat", "mkdirat", "open", "openat2", "pwritev", "pwritev2"),
    *("renameat", "renameat2", "sendfile", "symlink", "symlinkat", "sync_file_range", "truncate", "unlinkat", "writev"),
)
"""Calls that change files too: a recording that has one cannot be replayed."""

STRING_BYTES_MAX = 1 << 20
RECORDED_WITHIN_S = 120.0

_CALL = re.compile(r"\d+ +(\w+)\((.*)\) += (\d+)")
_DESCRIPTOR = re.compile(r"\d+")
_LAST = re.compile(r", (\d+)$")


class Call(NamedTuple):
    """One call: the texts among its arguments, the arguments as strace writes them without these, and what it returned."""

    name: str
    texts: list[bytes]
    arguments: str
    result: int

    @property
    def descriptor(self) -> int | None:
        """The first argument where that is one."""
        found = _DESCRIPTOR.match(self.arguments)
        return int(found.group()) if found else None

    @property
    def at(self) -> int:
        """The last argument: an offset, or a size."""
        found = _LAST.search(self.arguments)
        assert found, self
        return int(found.group(1))

    @property
    def paths(self) -> list[Path]:
        return [Path(os.fsdecode(text)) for text in self.texts]


def record(command: Sequence[str], note: Path) -> list[Call]:
    """Run a command to its end, noted by strace in `note`, and return what it and its threads did to files."""
    need_command("strace", "-o", os.devnull, "true", what="leave to trace processes")
    calls = ",".join(f"?{name}" for name in (*REPLAYED, *REFUSED))
    traced = ["strace", "-f", "-qq", "-z", "-xx", "-s", str(STRING_BYTES_MAX), "-e", f"trace={calls}", "-o", str(note)]
    traced += ["-e", "signal=none", *command]
    subprocess.run(traced, timeout=RECORDED_WITHIN_S, check=True, stdout=subprocess.DEVNULL)
    return [_call(line) for line in note.read_text(encoding="ascii").splitlines()]


def _call(line: str) -> Call:
    parts = line.split('"')
    found = _CALL.fullmatch('""'.join(parts[::2]))
    assert found, f"not a call: {line[:200]}"
    name, arguments, result = found.groups()
    assert "..." not in arguments, f"{name} has more bytes than were noted"
    return Call(name, [bytes.fromhex(text.replace("\\x", "")) for text in parts[1::2]], arguments, int(result))
