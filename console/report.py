"""What a command found, before anything is printed."""

from typing import NamedTuple


class Report(NamedTuple):
    """`text` goes to stdout; `words`, one a line, to stderr; `degraded` makes the exit status 1."""

    text: str
    words: tuple[str, ...] = ()
    degraded: bool = False
