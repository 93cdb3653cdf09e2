"""What is no action: each body is refused with its own code, never with a 500, and nothing of it is kept."""

import pytest

from tests.collector.tracking_site import JSON, TrackingSite, fields

NOT_JSON = {
    "nothing": b"",
    "blanks": b" \n",
    "a truncated object": b'{"source_label":"a"',
    "a truncated array": b'[{"source_label":"a"},',
    "two objects": b'{"source_label":"a"}{"source_label":"a"}',
    "a trailing comma": b'{"source_label":"a",}',
    "single quotes": b"{'source_label':'a'}",
    "a comment": b'{"source_label":"a"} // a',
    "a byte order mark": b'\xef\xbb\xbf{"source_label":"a"}',
    "UTF-16": '{"source_label":"a"}'.encode("utf-16"),
    "bad UTF-8 in a member": b'{"source_label":"\xff"}',
    "bad UTF-8 in an attr": b'{"source_label":"a","attrs":{"x":"\xc3("}}',
    "bad UTF-8 in an unknown member": b'{"source_label":"a","x":"\xe2\x82"}',
    "bad UTF-8 in a name": b'{"source_label":"a","\xff":1}',
    "UTF-8 of a surrogate": b'{"source_label":"\xed\xa0\x80"}',
    "100,000 arrays": b"[" * 100_000,
    "100,000 arrays in attrs": b'{"source_label":"a","attrs":{"x":' + b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "100,000 closed arrays": b'{"source_label":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "an integer of 5,000 digits": b'{"source_label":"a","attrs":{"x":' + b"9" * 5000 + b"}}",
    "an unknown integer of 5,000 digits": b'{"source_label":"a","x":-' + b"9" * 5000 + b"}",
    "a user of 5,000 digits": b'{"source_label":"a","id_user":' + b"9" * 5000 + b"}",
    "a lone surrogate": b'{"source_label":"\\ud800"}',
    "a lone low surrogate": b'{"source_label":"a","x":"\\udc00"}',
    "a surrogate before a letter": b'{"source_label":"a","attrs":{"\\ud800x":1}}',
    "NaN": b'{"source_label":"a","x":NaN}',
    "Infinity": b'{"source_label":"a","attrs":{"x":-Infinity}}',
    "a raw NUL": b'{"source_label":"a\x00"}',
    "a raw line end": b'{"source_label":"a\n"}',
    "a leading zero": b'{"source_label":"a","x":01}',
    "an array cut behind a number no double holds": b'[{"source_label":"a","x":1e400},{"sour',
    "arrays behind a number no double holds": b'[{"source_label":"a","x":1e400},' + b"[" * 100_000,
    "bad UTF-8 behind a number no double holds": b'[{"source_label":"a","x":1e400},{"source_label":"\xff"}]',
}

WRONG_SHAPE = {
    "null": (b"null", "$", "wrong_type"),
    "a number": (b"5", "$", "wrong_type"),
    "a text": (b'"search_page"', "$", "wrong_type"),
    "true": (b"true", "$", "wrong_type"),
    "no label": (b"{}", "$.source_label", "missing"),
    "no label but attrs": (b'{"x":1}', "$.source_label", "missing"),
    "a label of null": (b'{"source_label":null}', "$.source_label", "wrong_type"),
    "a label that is a number": (b'{"source_label":5,"x":1}', "$.source_label", "wrong_type"),
    "a label behind an unknown member": (b'{"x":1,"source_label":[]}', "$.source_label", "wrong_type"),
    "an event_id that is a number": (b'{"source_label":"a","event_id":1}', "$.event_id", "wrong_type"),
    "attrs as an array": (b'{"source_label":"a","attrs":[]}', "$.attrs", "wrong_type"),
    "attrs as an array behind an unknown member": (b'{"source_label":"a","x":1,"attrs":[]}', "$.attrs", "wrong_type"),
    "attrs as a text behind an unknown member": (b'{"source_label":"a","x":1,"attrs":""}', "$.attrs", "wrong_type"),
    "attrs as zero behind an unknown member": (b'{"source_label":"a","x":1,"attrs":0}', "$.attrs", "wrong_type"),
    "attrs as false behind an unknown member": (b'{"x":1,"attrs":false,"source_label":"a"}', "$.attrs", "wrong_type"),
    "1e400 in attrs": (b'{"source_label":"a","attrs":{"x":1e400}}', "$.attrs[...]", "wrong_value"),
    "1e400 unknown": (b'{"source_label":"a","x":1e400}', "$[...]", "wrong_value"),
    "1e400 behind an unknown member": (b'{"source_label":"a","x":1,"y":-1e400}', "$[...]", "wrong_value"),
    "an array of nothing": (b"[]", "$", "empty"),
    "an array of nothing with blanks": (b" [ ] ", "$", "empty"),
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_in_utf_8_is_400(tracking: TrackingSite, body: bytes):
    problem = await tracking.refused(body, 400)
    assert problem["code"] == "body_malformed"


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_it_is_400_in_an_array_too_and_for_a_visit(tracking: TrackingSite, body: bytes):
    assert (await tracking.refused(b'[{"source_label":"a"},' + body + b"]", 400))["code"] == "body_malformed"
    if b"e400" not in body:
        visit = body.replace(b"source_label", b"page_url")
        assert (await tracking.refused(visit, 400, "/visits"))["code"] == "body_malformed"


@pytest.mark.parametrize(("body", "path", "code"), WRONG_SHAPE.values(), ids=WRONG_SHAPE.keys())
async def test_json_of_the_wrong_shape_is_422_and_names_the_member(
    tracking: TrackingSite, body: bytes, path: str, code: str
):
    problem = await tracking.refused(body, 422)
    assert problem["code"] == "body_invalid"
    assert fields(problem) == [(path, code)]


async def test_every_item_of_an_array_of_wrong_things_is_named(tracking: TrackingSite):
    problem = await tracking.refused(b'[1,"a",null,[],{},{"source_label":""},{"x":1e400}]', 422)
    assert fields(problem) == [
        ("$[0]", "wrong_type"),
        ("$[1]", "wrong_type"),
        ("$[2]", "wrong_type"),
        ("$[3]", "wrong_type"),
        ("$[4].source_label", "missing"),
        ("$[5].source_label", "wrong_value"),
        ("$[6][...]", "wrong_value"),
    ]


TYPES = [
    "text/json",
    "application/jsonp",
    "application/problem+json",
    "multipart/form-data; boundary=application/json",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    'application/json; a=b; charset="utf-16"',
    "application/json, text/plain",
    "",
]


@pytest.mark.parametrize("path", ["/track", "/visits"])
@pytest.mark.parametrize("content_type", TYPES)
async def test_what_does_not_say_json_in_utf_8_is_415(tracking: TrackingSite, path: str, content_type: str):
    problem = await tracking.refused({"source_label": "a"}, 415, path, **{"Content-Type": content_type})
    assert problem["code"] == "content_type_unsupported"


async def test_no_content_type_is_415(tracking: TrackingSite):
    answer = await tracking.client.post("/track", data=b"{}", skip_auto_headers=["Content-Type"])
    assert (answer.status, (await answer.json())["code"]) == (415, "content_type_unsupported")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json; charset=utf-8; a=b",
        "application/json ; xcharset=utf-16",
    ],
)
async def test_json_in_utf_8_is_taken_however_it_is_said(tracking: TrackingSite, content_type: str):
    await tracking.accepted({"source_label": "ё"}, **{"Content-Type": content_type})


async def test_blanks_around_a_body_mean_nothing(tracking: TrackingSite):
    assert (await tracking.accepted(b' \r\n\t{"source_label":"a"}\n'))["status"] == "accepted"
    assert (await tracking.accepted(b' \r\n\t[{"source_label":"a"}]\n'))["accepted"] == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_does_not_decompress_is_400(tracking: TrackingSite, encoding: str):
    answer = await tracking.client.post("/track", data=b"not compressed", headers=JSON | {"Content-Encoding": encoding})
    assert answer.status == 400
