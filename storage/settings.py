"""What the store process is told at its start, as one JSON line on its standard input."""

from typing import Literal

import msgspec


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`link` is the number of the inherited socket; sizes are in bytes, times in seconds unless the name says more.

    With `rebuild` the store sets its files aside first and fills itself again. `erasure_key` is the secret of the suppression list.
    """

    data: str
    link: int
    memory_limit_mb: int
    threads: int
    batch_age_s: float
    batch_events: int
    batch_bytes_max: int
    checkpoint_s: float
    query_threads: int
    query_timeout_s: float
    rejected_bytes_max: int
    emulate_slow_s: float = 0.0
    rebuild: bool = False
    erasure_key: str
    log_level: str
    log_format: Literal["json", "text"]
