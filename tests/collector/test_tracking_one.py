"""POST /track with one action: what is answered, and the line that is durable."""

import pytest

from tests.collector.tracking_site import EVENT_BYTES_MAX, R0, Members, TrackingSite, fields

RECEIVED_AT = "2026-11-20T12:30:15.250000Z"


async def test_the_record_of_r0_is_taken_as_printed(tracking: TrackingSite):
    answer = await tracking.accepted(R0)
    assert answer["status"] == "accepted"
    line = (await tracking.lines())[str(answer["receipt"])]
    assert line == {
        "event_id": answer["event_id"],
        "app_code": "site",
        "source_label": "search_page",
        "received_at": RECEIVED_AT,
        "occurred_at": "2018-04-10T12:09:07Z",
        "anonymous_id": tracking.visitor,
        "attrs": {"claimed_id_user": "9841"},
    }


async def test_every_member_of_an_event_is_kept(tracking: TrackingSite):
    line = await tracking.line_of(
        {
            "source_label": "buy",
            "event_id": "order-1",
            "anonymous_id": "visitor-1",
            "date_created": "2026-11-20T12:00:00Z",
            "sent_at": "2026-11-20T12:30:00Z",
            "page_url": "/cart?a=1#b",
            "referrer": "https://example.org/",
            "title": "Корзина",
            "app_code": "site",
            "attrs": {"size": 3, "tags": ["a", None], "gift": {"wrap": True}},
        }
    )
    assert line == {
        "event_id": "order-1",
        "app_code": "site",
        "source_label": "buy",
        "received_at": RECEIVED_AT,
        "occurred_at": "2026-11-20T12:00:00Z",
        "sent_at": "2026-11-20T12:30:00Z",
        "anonymous_id": "visitor-1",
        "page_url": "/cart?a=1#b",
        "referrer": "https://example.org/",
        "title": "Корзина",
        "attrs": {"size": 3, "tags": ["a", None], "gift": {"wrap": True}},
        "id_given": True,
    }


@pytest.mark.parametrize(
    ("sent", "attrs"),
    [
        ({"colour": "red", "n": None}, {"colour": "red", "n": None}),
        ({"colour": "red", "attrs": {"size": 3}}, {"colour": "red", "size": 3}),
        ({"colour": "red", "attrs": None}, {"colour": "red"}),
        ({"colour": "red", "attrs": {"colour": "blue"}}, {"colour": "blue"}),
        ({"attrs": {"colour": "blue"}, "colour": "red"}, {"colour": "blue"}),
        ({"attrs": {}}, {}),
        ({"attrs": {"source_label": "other", "event_id": 1}}, {"source_label": "other", "event_id": 1}),
        ({"received_at": "1999-01-01", "user_id": "1"}, {"received_at": "1999-01-01", "user_id": "1"}),
        ({"offset": 5, "rejected_code": "x"}, {"offset": 5, "rejected_code": "x"}),
        ({"": "", "a`b": 1, "a` - at `$.b": 2}, {"": "", "a`b": 1, "a` - at `$.b": 2}),
    ],
)
async def test_unknown_members_become_attrs_and_replace_none(tracking: TrackingSite, sent: Members, attrs: Members):
    line = await tracking.line_of({"source_label": "a", **sent})
    assert (line["source_label"], line["attrs"]) == ("a", attrs)
    assert line["received_at"] == RECEIVED_AT
    assert "user_id" not in line


async def test_of_a_member_that_is_sent_twice_the_last_one_counts(tracking: TrackingSite):
    line = await tracking.line_of(b'{"source_label":"a","source_label":"b","x":1,"x":2}')
    assert (line["source_label"], line["attrs"]) == ("b", {"x": 2})


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2018-04-10 12:09:07", "2018-04-10T12:09:07Z"),
        ("2018-04-10T12:09:07", "2018-04-10T12:09:07Z"),
        ("2018-04-10T12:09:07Z", "2018-04-10T12:09:07Z"),
        ("2018-04-10T12:09:07.123456Z", "2018-04-10T12:09:07.123456Z"),
        ("2018-04-10T12:09:07+03:00", "2018-04-10T09:09:07Z"),
        ("2018-04-10 23:09:07-05:30", "2018-04-11T04:39:07Z"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00-14:00", "0001-01-01T14:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
@pytest.mark.parametrize(("member", "column"), [("date_created", "occurred_at"), ("sent_at", "sent_at")])
async def test_times_are_stored_in_utc(tracking: TrackingSite, member: str, column: str, sent: str, stored: str):
    line = await tracking.line_of({"source_label": "a", member: sent})
    assert line[column] == stored


@pytest.mark.parametrize(
    "sent",
    [
        "yesterday",
        "",
        "2018-04-10",
        "2018-13-01T00:00:00Z",
        "2018-04-10T24:00:01Z",
        "2018-04-10T23:59:60Z",
        "2018-04-10T12:09:07Zulu",
        "1523362147",
        1523362147,
        1523362147.5,
        True,
        ["2018-04-10T12:09:07Z"],
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59.9999999Z",
    ],
)
@pytest.mark.parametrize("member", ["date_created", "sent_at"])
async def test_what_is_no_time_is_named(tracking: TrackingSite, member: str, sent: object):
    problem = await tracking.refused({"source_label": "a", member: sent}, 422)
    assert problem["code"] == "body_invalid"
    assert fields(problem)[0] in {(f"$.{member}", "wrong_value"), (f"$.{member}", "wrong_type")}


LIMITS = [("source_label", 128), ("event_id", 128), ("anonymous_id", 64), ("page_url", 4096), ("referrer", 4096)]


@pytest.mark.parametrize("letter", ["a", "ё", "😀"])
@pytest.mark.parametrize(("member", "most"), [*LIMITS, ("title", 1024)])
async def test_a_text_is_taken_up_to_its_limit_of_characters(
    tracking: TrackingSite, member: str, most: int, letter: str
):
    line = await tracking.line_of({"source_label": "a", member: letter * most})
    assert line[member] == letter * most
    problem = await tracking.refused({"source_label": "a", member: letter * (most + 1)}, 422)
    assert fields(problem) == [(f"$.{member}", "wrong_value")]


@pytest.mark.parametrize("member", [member for member, _ in LIMITS])
async def test_an_empty_text_is_refused_where_it_says_nothing(tracking: TrackingSite, member: str):
    problem = await tracking.refused({"source_label": "a", member: ""}, 422)
    assert fields(problem) == [(f"$.{member}", "wrong_value")]


@pytest.mark.parametrize("among", ["attrs", "unknown members", "both"])
async def test_256_attrs_are_taken_and_257_refused(tracking: TrackingSite, among: str):
    def action(count: int) -> Members:
        attrs = {f"attr{index}": index for index in range(count)}
        if among == "attrs":
            return {"source_label": "a", "attrs": attrs}
        if among == "unknown members":
            return {"source_label": "a", **attrs}
        return {"source_label": "a", "one": attrs.pop("attr0"), "attrs": attrs}

    assert len((await tracking.line_of(action(256)))["attrs"]) == 256
    problem = await tracking.refused(action(257), 422)
    assert fields(problem) == [("$.attrs", "wrong_value")]


async def test_a_claim_is_kept_beside_256_attrs(tracking: TrackingSite):
    line = await tracking.line_of({"source_label": "a", "id_user": 5, "attrs": {str(n): n for n in range(256)}})
    assert len(line["attrs"]) == 257


def nested(levels: int, brackets: tuple[bytes, bytes]) -> bytes:
    left, right = brackets
    return b'{"source_label":"a","attrs":{"a":%s1%s}}' % (left * levels, right * levels)


ARRAYS, OBJECTS = (b"[", b"]"), (b'{"a":', b"}")


@pytest.mark.parametrize("brackets", [ARRAYS, OBJECTS])
async def test_attrs_are_taken_in_32_levels_and_refused_in_33(tracking: TrackingSite, brackets: tuple[bytes, bytes]):
    await tracking.accepted(nested(31, brackets))
    problem = await tracking.refused(nested(32, brackets), 422)
    assert fields(problem) == [("$.attrs", "attrs_too_deep")]


@pytest.mark.parametrize("around", [b"%s", b"[%s]"])
@pytest.mark.parametrize("name", [b"attrs", b"unknown"])
async def test_no_depth_of_nesting_is_too_much_for_an_answer(tracking: TrackingSite, around: bytes, name: bytes):
    # Near the depth that Python's own limit allows, decoding may do where encoding would not.
    for levels in range(900, 1000):
        body = around % nested(levels, ARRAYS).replace(b"attrs", name)
        assert (await tracking.post(body)).status in {400, 422}


async def test_an_event_over_its_limit_is_413_before_the_log(tracking: TrackingSite):
    def action(size: int) -> Members:
        return {"source_label": "a", "attrs": {"text": "x" * size}}

    overhead = 250
    await tracking.accepted(action(EVENT_BYTES_MAX - overhead))
    problem = await tracking.refused(action(EVENT_BYTES_MAX), 413)
    assert problem["code"] == "event_too_large"


async def test_what_is_no_event_of_the_built_in_app_is_refused(tracking: TrackingSite):
    problem = await tracking.refused({"source_label": "a", "app_code": "shop"}, 422)
    assert fields(problem) == [("$.app_code", "app_unknown")]


async def test_a_repeat_is_answered_with_the_receipt_of_the_first_copy(tracking: TrackingSite):
    action = {"source_label": "a", "event_id": "order-1"}
    first = await tracking.accepted(action)
    again = await tracking.accepted(action | {"source_label": "b"})
    assert again == {"status": "duplicate", "event_id": "order-1", "receipt": first["receipt"]}
    assert [line["source_label"] for line in (await tracking.lines()).values()] == ["a"]
    assert tracking.log.health().duplicates == 1


async def test_actions_without_an_id_never_repeat_each_other(tracking: TrackingSite):
    first, second = [await tracking.accepted(R0) for _ in range(2)]
    assert first["status"] == second["status"] == "accepted"
    assert first["event_id"] != second["event_id"]
    assert len(await tracking.lines()) == 2
