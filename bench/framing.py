"""What the log's frames cost: the processor time of its own code for a group, without requests and without a disk."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from storage.event import Event, encode
from storage.wal.writer import Group, SegmentWriter

MEASURED_S = 0.3
NOW = datetime(2026, 11, 21, 12, 30, 15, 123456, UTC)
LINE = encode(
    Event(
        event_id="01a1fc1a-ab5f-7762-a662-97b8e3e0b993",
        app_code="site",
        source_label="pageview",
        received_at=NOW,
        occurred_at=NOW.replace(microsecond=0),
        anonymous_id="visitor-0000123456",
        page_url="https://shop.example/products/0123",
    )
)
"""What the log is given for an event of `bench.traffic`."""


def framing_cpu_s(group_events: int) -> float:
    """Return the seconds of processor time that framing costs one event in groups of `group_events` single ones.

    Counted: making the group, numbering and copying each line into it, the CRC over all lines, and the header with its
    own CRC, packed and put in front. Not counted, since a log without frames has it too: encoding the event, waking its
    request, handing the group to the log's thread, write and fdatasync. In a loop of its own, so with warm caches.
    """
    # Nothing is opened or written, so the directory need not be there.
    writer = SegmentWriter(
        Path("frames"),
        "0000000001-f0d463e4",
        segment_bytes_max=1,
        segment_age_s=1,
        disk_free_bytes_min=0,
        backlog_bytes_max=1,
    )
    groups, began = 0, time.thread_time()
    while time.thread_time() < began + MEASURED_S:
        _frame(writer, [[LINE]] * group_events)
        groups += 1
    return (time.thread_time() - began) / (groups * group_events)


def _frame(writer: SegmentWriter, requests: Sequence[Sequence[bytes]]) -> None:
    group = Group(0)
    for lines in requests:
        group.add(lines)
    head = writer.head_of(group)
    group.buffer[: len(head)] = head
