"""Places between two durable steps where a test can have the process killed: `CRASH_AT=<name>` in its environment.

A kill at a random moment seldom falls between two system calls that follow each other at once.
"""

import os
import signal
from typing import Literal, get_args

CrashPoint = Literal[
    "load_begun",
    "load_inserted",
    "load_committed",
    "checkpoint_written",
    "checkpoint_durable",
    "segment_archived",
    "segment_removed",
    "log_removed",
    "store_set_aside",
]
"""What every daemon comes to."""

ErasurePoint = Literal[
    "visitors_listed",
    "segment_rewritten",
    "archive_rewritten",
    "rows_erased",
    "database_copied",
    "copy_durable",
    "database_log_removed",
    "database_replaced",
    "quarantine_cleared",
    "erasure_finished",
]
"""The steps of an erasure, in their order."""

CRASH_POINTS: tuple[CrashPoint, ...] = get_args(CrashPoint)
ERASURE_POINTS: tuple[ErasurePoint, ...] = get_args(ErasurePoint)

VARIABLE = "CRASH_AT"

_crash_at = os.environ.get(VARIABLE)


def reached(point: CrashPoint | ErasurePoint) -> None:
    """Kill this process if it is told to die here."""
    if point == _crash_at:
        os.kill(os.getpid(), signal.SIGKILL)
