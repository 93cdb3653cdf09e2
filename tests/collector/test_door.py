"""What is derived at the door: ids, times and limits, without a socket."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.identity.caller import Caller
from collector.tracking.door import RANDOM_BITS, Door, EventTooLarge, in_utc
from collector.tracking.visitor import Visitor
from collector.wire.problem import BodyInvalid
from collector.wire.tracking import ATTRS_DEPTH_MAX, TrackItem
from storage.event import Event, encode

NOW = datetime(2026, 11, 20, 12, 30, 15, 250_999, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ANNA = Caller("7", "user", "s1")


def door(bits: int = 0, clock: Callable[[], datetime] = lambda: NOW, event_bytes_max: int = 1000) -> Door:
    return Door(clock, lambda _: bits, event_bytes_max=event_bytes_max)


def event_of(caller: Caller | None = None, **members: object) -> Event:
    at = door()
    return at.event_of(TrackItem(source_label="a", **members), Visitor(caller, "v", str), at.arrival())


@given(
    bits=st.integers(0, 2**RANDOM_BITS - 1),
    time=st.datetimes(EPOCH.replace(tzinfo=None), timezones=st.just(UTC)),
)
def test_a_made_id_is_a_canonical_uuid_of_version_7_at_any_time(bits: int, time: datetime):
    at = door(bits, lambda: time)
    made = at.event_of(TrackItem(source_label="a"), Visitor(None, "v", str), at.arrival()).event_id
    parsed = uuid.UUID(made)
    assert made == str(parsed)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    milliseconds = (time - EPOCH) // timedelta(milliseconds=1)
    assert abs((parsed.int >> 80) - milliseconds) <= 1


@pytest.mark.parametrize(
    ("bits", "tail"),
    [
        (0, "7000-8000-000000000000"),
        (2**RANDOM_BITS - 1, "7fff-bfff-ffffffffffff"),
        (0b11 << 66, "7000-8000-000000000000"),
    ],
)
def test_every_bit_of_a_made_id_that_is_free_is_random(bits: int, tail: str):
    at = door(bits)
    assert (
        at.event_of(TrackItem(source_label="a"), Visitor(None, "v", str), at.arrival()).event_id
        == f"01a1f8ef-9cd2-{tail}"
    )


def test_the_id_that_a_client_gave_is_kept_and_marked():
    given_id, made = event_of(event_id="e1"), event_of()
    assert (given_id.event_id, given_id.id_given, made.id_given) == ("e1", True, False)


def test_a_time_in_utc_is_taken_as_it_is_and_one_without_a_zone_as_utc():
    assert in_utc(None, "sent_at") is None
    assert in_utc(NOW, "sent_at") is NOW
    assert in_utc(NOW.replace(tzinfo=None), "sent_at") == NOW
    moved = in_utc(NOW.astimezone(timezone(timedelta(hours=5, minutes=45))), "sent_at")
    assert (moved, moved and moved.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize("text", ["0001-01-01T13:59:59+14:00", "9999-12-31T10:00:00-14:00"])
def test_a_time_outside_the_years_of_utc_is_named(text: str):
    with pytest.raises(BodyInvalid) as raised:
        in_utc(datetime.fromisoformat(text), "sent_at")
    assert [(error.path, error.code) for error in raised.value.errors] == [("$.sent_at", "wrong_value")]


def test_an_unproved_id_is_a_claim_and_the_sent_attrs_are_left_alone():
    attrs: dict[str, object] = {"n": 1}
    event = event_of(ANNA, id_user=8, attrs=attrs)
    assert (event.user_id, event.attrs) == ("7", {"n": 1, "claimed_id_user": "8"})
    assert attrs == {"n": 1}


def nested(levels: int) -> dict[str, object]:
    value: object = 1
    for level in range(levels - 1):
        value = [value] if level % 2 else {"a": value}
    return {"flat": 0, "deep": value, "after": [[]]}


def test_attrs_are_taken_up_to_their_depth():
    assert event_of(attrs=nested(ATTRS_DEPTH_MAX)).attrs == nested(ATTRS_DEPTH_MAX)
    with pytest.raises(BodyInvalid) as raised:
        event_of(attrs=nested(ATTRS_DEPTH_MAX + 1))
    assert raised.value.errors[0].code == "attrs_too_deep"


def test_a_line_is_taken_up_to_its_limit_of_bytes():
    event = event_of(title="ё" * 100)
    size = len(encode(event))
    assert door(event_bytes_max=size).line_of(event) == encode(event)
    with pytest.raises(EventTooLarge, match=f"{size} bytes, the limit is {size - 1}"):
        door(event_bytes_max=size - 1).line_of(event)
