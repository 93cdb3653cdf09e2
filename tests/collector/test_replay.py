"""Rejected items once more through the door: what becomes of them, and which cannot come in."""

import random
from pathlib import Path

import msgspec
import pytest

from collector.tracking.door import Door, EventTooLarge
from collector.tracking.replay import NotReplayable, Replay
from collector.tracking.visitor import SITE
from collector.wire.problem import BodyInvalid
from storage.app_files import AppFiles
from storage.event import Event, encode
from storage.query.rejected import RejectedRow
from tests.collector.tracking_site import NOW
from tests.contracts.samples import NOON
from tests.fakes.log import MemoryLog

RECEIPT = "0000000001-old:7"


def row(code: str = "wrong_type") -> RejectedRow:
    return RejectedRow(
        receipt=RECEIPT,
        position=1,
        app_code="site",
        code=code,
        reason=None,
        received_at=NOON,
        raw_bytes=9,
        has_raw=True,
    )


async def replayed(raw: bytes | None, code: str = "wrong_type") -> Event:
    """Return the event that the replay appended, as the log has it."""
    log = MemoryLog()
    door = Door(lambda: NOW, random.Random(1).getrandbits, event_bytes_max=2000)
    replay = Replay(log, door, AppFiles(Path()), SITE)
    answer = await replay.replay(row(code), raw)
    (line,) = log.lines
    event = msgspec.json.decode(line, type=Event)
    assert (answer.status, answer.receipt, answer.event_id) == ("accepted", f"{log.log_id}:0", event.event_id)
    return event


async def test_an_item_without_time_and_id_gets_those_of_its_rejection_and_nobodys_visitor():
    event = await replayed(b'{"source_label": "a", "size": 7, "id_user": 12}')
    assert (event.event_id, event.occurred_at, event.id_given) == (RECEIPT, NOON, True)
    assert (event.received_at, event.user_id, event.anonymous_id) == (NOW, None, None)
    assert event.attrs == {"size": 7, "claimed_id_user": "12"}


async def test_what_the_item_says_of_itself_stays():
    event = await replayed(
        b'{"source_label": "a", "event_id": "mine", "anonymous_id": "v", "date_created": "2018-04-10 12:09:07"}'
    )
    assert (event.event_id, event.anonymous_id, event.id_given) == ("mine", "v", True)
    assert event.occurred_at is not None
    assert event.occurred_at.year == 2018


async def test_a_line_of_the_log_stays_the_event_that_it_was():
    was = Event("e", "site", "a", NOON, user_id="7", anonymous_id="v", page_url="/a")
    event = await replayed(b'{"offset":7,' + encode(was)[1:], "unreadable")
    assert event == msgspec.structs.replace(was, occurred_at=NOON, id_given=True)


@pytest.mark.parametrize("raw", [None, b"", b'{"source_label": "a', b'{"source_label": "\xff"}', b"7 8"])
async def test_what_is_not_there_or_cut_is_not_replayable(raw: bytes | None):
    with pytest.raises(NotReplayable):
        await replayed(raw)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"source_label": 7}', "wrong_type"),
        (b"7", "wrong_type"),
        (b'{"offset":7}', "unreadable"),
        (b"[]", "unreadable"),
    ],
)
async def test_what_is_still_wrong_is_refused_again(raw: bytes, code: str):
    with pytest.raises(BodyInvalid):
        await replayed(raw, code)


async def test_what_is_still_too_large_is_refused_again():
    with pytest.raises(EventTooLarge):
        await replayed(msgspec.json.encode({"source_label": "a", "attrs": {"a": "x" * 2000}}))
