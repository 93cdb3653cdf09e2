"""What code opens, asks or connects to, seen by the interpreter itself (PEP 578): no way around it by any library."""

import contextlib
import sys
from collections.abc import Iterator

WATCHED = ("open", "os.", "pathlib.", "socket.", "ssl.", "subprocess.", "urllib.", "http.", "shutil.", "glob.")

_recording: list[list[str]] = []


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if _recording and event.startswith(WATCHED):
        _recording[-1].append(f"{event} {arguments!r}")


sys.addaudithook(_note)  # for good: a hook cannot be taken away


@contextlib.contextmanager
def touched() -> Iterator[list[str]]:
    """Yield the list of what is touched meanwhile, outside of the process and its memory."""
    _recording.append([])
    try:
        yield _recording[-1]
    finally:
        _recording.pop()
