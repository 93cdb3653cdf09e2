"""Whichever media type brings an action, it is the same action; what is none is refused with its own code."""

import gzip
import tracemalloc
import zlib
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec
import pytest

from tests.collector.tracking_site import BODY_BYTES_MAX, R0, TrackingSite, fields

FORM = "application/x-www-form-urlencoded"
MSGPACK = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")

packed = msgspec.msgpack.encode

SENT = {
    "a beacon's text": ("text/plain;charset=UTF-8", msgspec.json.encode(R0)),
    "plain text": ("text/plain", msgspec.json.encode(R0)),
    "a form": (FORM, urlencode(R0).encode()),
    "a form of one member": (FORM, urlencode({"data": msgspec.json.encode(R0)}).encode()),
    "a form that says its charset": (f"{FORM}; charset=utf-8", urlencode(R0).encode()),
    **{media: (media, packed(R0)) for media in MSGPACK},
}


@pytest.mark.parametrize(("media", "raw"), SENT.values(), ids=SENT.keys())
async def test_an_action_is_the_same_whatever_brings_it(tracking: TrackingSite, media: str, raw: bytes):
    line = await tracking.line_of(raw, **{"Content-Type": media})
    assert (line["source_label"], line["attrs"]) == ("search_page", {"claimed_id_user": "9841"})
    assert line["occurred_at"] == "2018-04-10T12:09:07Z"


@pytest.mark.parametrize("media", ["text/plain", *MSGPACK])
async def test_an_array_is_too(tracking: TrackingSite, media: str):
    items = [{"source_label": "a"}, {"source_label": ""}]
    raw = packed(items) if media in MSGPACK else msgspec.json.encode(items)
    answer = await tracking.accepted(raw, **{"Content-Type": media})
    assert (answer["accepted"], answer["rejected"]) == (1, 1)


async def test_a_form_of_one_member_may_hold_an_array(tracking: TrackingSite):
    raw = urlencode({"data": '[{"source_label":"a"},{"source_label":"b"}]'}).encode()
    assert (await tracking.accepted(raw, **{"Content-Type": FORM}))["accepted"] == 2


async def test_a_visit_comes_as_a_form_too(tracking: TrackingSite):
    line = await tracking.line_of(b"page_url=%2Fa&size=L", "/visits", **{"Content-Type": FORM})
    assert (line["page_url"], line["attrs"]) == ("/a", {"size": "L"})


async def test_members_of_a_form_that_have_no_name_of_ours_are_attrs_and_stay_text(tracking: TrackingSite):
    raw = b"source_label=a&size=7&data=x&empty=&bare&a+b=%D1%91"
    line = await tracking.line_of(raw, **{"Content-Type": FORM})
    assert line["attrs"] == {"size": "7", "data": "x", "empty": "", "bare": "", "a b": "ё"}


async def test_msgpack_keeps_types_and_its_timestamps_are_times(tracking: TrackingSite):
    then = datetime(2018, 4, 10, 12, 9, 7, tzinfo=UTC)
    sent = {"source_label": "a", "date_created": then, "attrs": {"n": 7, "x": 0.5, "no": None, "yes": True, "l": [1]}}
    line = await tracking.line_of(packed(sent), **{"Content-Type": MSGPACK[0]})
    assert (line["occurred_at"], line["attrs"]) == ("2018-04-10T12:09:07Z", sent["attrs"])


def nested(levels: int) -> bytes:
    return b"\x81\xa1x" * levels + b"\x01"


MALFORMED = {
    "a form that is not UTF-8": (FORM, b"source_label=\xff"),
    "a form whose escapes are not UTF-8": (FORM, b"source_label=%ff"),
    "a form of one member that is no JSON": (FORM, b"data=source_label"),
    "a form of one member without a value": (FORM, b"data"),
    "text that is no JSON": ("text/plain", b"source_label=a"),
    "no msgpack": (MSGPACK[0], b""),
    "truncated msgpack": (MSGPACK[0], packed(R0)[:-1]),
    "two objects of msgpack": (MSGPACK[0], packed(R0) * 2),
    "JSON said to be msgpack": (MSGPACK[0], msgspec.json.encode(R0)),
    "a text that is not UTF-8": (MSGPACK[0], b"\x81\xacsource_label\xa1\xff"),
    "a surrogate": (MSGPACK[0], b"\x81\xacsource_label\xa3\xed\xa0\x80"),
    "no number": (MSGPACK[0], b"\x82\xacsource_label\xa1a\xa1x\xca\x7f\xc0\x00\x00"),
    "an infinite number": (MSGPACK[0], b"\x82\xacsource_label\xa1a\xa1x\xca\x7f\x80\x00\x00"),
    "an array of four billion": (MSGPACK[0], b"\xdd\xff\xff\xff\xff\x01"),
    "an object of four billion": (MSGPACK[0], b"\xdf\xff\xff\xff\xff\xa1a\x01"),
    "a name that is bytes": (MSGPACK[0], b"\x82\xacsource_label\xa1a\xc4\x01x\x01"),
    "a name that is an array": (MSGPACK[0], b"\x82\xacsource_label\xa1a\x90\x01"),
    "a code that means nothing": (MSGPACK[0], b"\xc1"),
    "100,000 objects of msgpack": (MSGPACK[0], nested(100_000)),
}


@pytest.mark.parametrize(("media", "raw"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_not_of_its_type_is_400(tracking: TrackingSite, media: str, raw: bytes):
    problem = await tracking.refused(raw, 400, **{"Content-Type": media})
    assert problem["code"] == "body_malformed"


INVALID = {
    "a form without a label": (FORM, b"x=1", ("$.source_label", "missing")),
    "a form of nothing": (FORM, b"", ("$.source_label", "missing")),
    "a form with attrs": (FORM, b"source_label=a&attrs=%7B%7D", ("$.attrs", "wrong_type")),
    "a form with a time that is none": (FORM, b"source_label=a&sent_at=soon", ("$.sent_at", "wrong_value")),
    "a form with a repeated member": (FORM, b"source_label=a&x=1&x=1", ("$.x", "repeated")),
    "a form with a repeated label": (FORM, b"source_label=a&source_label=b", ("$.source_label", "repeated")),
    "a form of 301 members": (FORM, b"&".join(b"x%d=1" % n for n in range(301)), ("$", "too_many_members")),
    "a form of nothing but separators": (FORM, b"&" * 300, ("$", "too_many_members")),
    "a form of 257 attrs": (
        FORM,
        b"source_label=a&" + b"&".join(b"x%d=" % n for n in range(257)),
        ("$.attrs", "wrong_value"),
    ),
    "bytes": (MSGPACK[0], packed({"source_label": "a", "x": b"\x00"}), ("$", "binary")),
    "a label of bytes": (MSGPACK[0], packed({"source_label": b"a"}), ("$", "binary")),
    "an extension": (MSGPACK[0], packed({"source_label": "a", "x": msgspec.msgpack.Ext(5, b"a")}), ("$", "binary")),
    "a number": (MSGPACK[0], b"\x07", ("$", "wrong_type")),
    "nil": (MSGPACK[0], b"\xc0", ("$", "wrong_type")),
    "33 levels": (MSGPACK[0], b"\x82\xacsource_label\xa1a\xa5attrs" + nested(33), ("$.attrs", "attrs_too_deep")),
}


@pytest.mark.parametrize(("media", "raw", "wrong"), INVALID.values(), ids=INVALID.keys())
async def test_what_is_no_action_is_422_and_named(
    tracking: TrackingSite, media: str, raw: bytes, wrong: tuple[str, str]
):
    problem = await tracking.refused(raw, 422, **{"Content-Type": media})
    assert (problem["code"], fields(problem)) == ("body_invalid", [wrong])


REFUSED = [
    "text/html",
    "text/plain; charset=latin-1",
    "text/plain; charset=utf-16",
    f"{FORM}; charset=windows-1251",
    "multipart/form-data; boundary=x",
    "application/cbor",
    "application/octet-stream",
    "application/xml",
    "application/*",
    "*/*",
]


@pytest.mark.parametrize("path", ["/track", "/visits"])
@pytest.mark.parametrize("media", REFUSED)
async def test_every_other_type_is_415_and_says_which_would_do(tracking: TrackingSite, path: str, media: str):
    problem = await tracking.refused(msgspec.json.encode(R0), 415, path, **{"Content-Type": media})
    assert problem["code"] == "content_type_unsupported"
    assert MSGPACK[0] in str(problem["detail"])


COMPRESSED = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize(("media", "raw"), SENT.values(), ids=SENT.keys())
@pytest.mark.parametrize("coding", COMPRESSED)
async def test_a_compressed_body_is_the_same_action(tracking: TrackingSite, coding: str, media: str, raw: bytes):
    headers = {"Content-Type": media, "Content-Encoding": coding}
    assert (await tracking.line_of(COMPRESSED[coding](raw), **headers))["source_label"] == "search_page"


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip", "aes128gcm", "x"])
async def test_another_content_coding_is_415(tracking: TrackingSite, coding: str):
    problem = await tracking.refused(R0, 415, **{"Content-Encoding": coding})
    assert problem["code"] == "content_type_unsupported"


@pytest.mark.parametrize("media", ["application/msgpack", "application/x-www-form-urlencoded"])
async def test_what_is_over_the_limit_as_json_is_413_however_small_it_came(tracking: TrackingSite, media: str):
    controls = "\x01" * (BODY_BYTES_MAX // 4)
    item = {"source_label": "a", "note": controls}
    raw = msgspec.msgpack.encode(item) if media.endswith("msgpack") else urlencode(item).encode()
    assert len(raw) < BODY_BYTES_MAX
    problem = await tracking.refused(raw, 413, **{"Content-Type": media})
    assert problem["code"] == "body_too_large"


@pytest.mark.parametrize("coding", COMPRESSED)
async def test_a_bomb_is_413_and_is_never_inflated_whole(tracking: TrackingSite, coding: str):
    bomb = COMPRESSED[coding](b'{"source_label":"' + b"a" * (64 * BODY_BYTES_MAX) + b'"}')
    assert len(bomb) < BODY_BYTES_MAX
    tracemalloc.start()
    problem = await tracking.refused(bomb, 413, **{"Content-Encoding": coding})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert problem["code"] == "body_too_large"
    assert most < 16 * BODY_BYTES_MAX


@pytest.mark.parametrize("coding", COMPRESSED)
async def test_a_truncated_compressed_body_is_400(tracking: TrackingSite, coding: str):
    raw = COMPRESSED[coding](msgspec.json.encode(R0))[:-9]
    # Of deflate aiohttp's parser sees that by itself, and answers in plain text.
    assert (await tracking.post(raw, **{"Content-Encoding": coding})).status == 400
    assert await tracking.lines() == {}
