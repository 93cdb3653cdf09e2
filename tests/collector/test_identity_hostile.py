"""Bodies that are no sign-up: 400, 413, 415 or 422, never 500, and the password is told to nobody."""

import json
import logging
from pathlib import Path
from typing import Literal

import pytest
from structlog.testing import capture_logs

from tests.collector.identity_site import ANNA, BODY_BYTES_MAX, BORIS, open_site

JSON = "application/json"
PATHS = ["/auth/signup", "/auth/signin"]
SECRET = "s3cret-passw0rd-9f2c"

MALFORMED = {
    "empty": b"",
    "blank": b"  ",
    "cut": b'{"nickname": "anna", "password": "',
    "BOM": b"\xef\xbb\xbf{}",
    "bad UTF-8": b'{"nickname": "\xff\xfe"}',
    "overlong UTF-8": b'{"nickname": "\xc0\x80"}',
    "UTF-16": '{"nickname": "anna"}'.encode("utf-16"),
    "raw NUL": b'{"nickname": "a\x00"}',
    "raw line end": b'{"nickname": "a\n"}',
    "lone surrogate": b'{"nickname": "\\ud800", "password": "\\udfff"}',
    "lone surrogate password": b'{"nickname": "anna", "password": "12345678\\ud800"}',
    "deep arrays": b"[" * 60_000,
    "deep objects": b'{"nickname":' * 5_000,
    "deep and closed": b'{"nickname": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep unknown member": b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "5000 digits": b'{"age": ' + b"1" * 5_000 + b"}",
    "NaN": b'{"age": NaN}',
    "Infinity": b'{"age": -Infinity}',
    "single quotes": b"{'age': 1}",
    "two texts": b"{}{}",
    "trailing comma": b'{"age": 1,}',
    "form": b"nickname=anna&password=12345678",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_h2_what_is_not_json_is_answered_400(tmp_path: Path, path: str, body: bytes) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.client.post(path, data=body, headers={"Content-Type": JSON})
        assert answer.status == 400, await answer.text()
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["code"] == "body_malformed"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b'"text"', b"{}", b"true", b"[{}]", b"1e400"])
async def test_h2_json_that_is_no_form_is_answered_422(tmp_path: Path, path: str, body: bytes) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.client.post(path, data=body, headers={"Content-Type": JSON})
        assert answer.status == 422, await answer.text()
        assert (await answer.json())["errors"]


@pytest.mark.parametrize(
    ("member", "value"),
    [("age", b"1e400"), ("age", b"-0.5"), ("nickname", b"1e400"), ("email", b"1e400"), ("x", b"1e400")],
)
async def test_a2_a_number_out_of_range_is_answered_422_with_its_path(
    tmp_path: Path, member: str, value: bytes
) -> None:
    form = {name: one for name, one in ANNA.items() if name != member}
    body = json.dumps(form).encode()[:-1] + b', "%s": %s}' % (member.encode(), value)
    async with open_site(tmp_path) as site:
        answer = await site.client.post("/auth/signup", data=body, headers={"Content-Type": JSON})
        assert answer.status == 422
        assert f"$.{member}" in [error["path"] for error in (await answer.json())["errors"]]


async def test_h2_of_a_repeated_member_the_last_counts(tmp_path: Path) -> None:
    body = b'{"age": 1, ' + json.dumps(ANNA).encode()[1:]
    async with open_site(tmp_path) as site:
        answer = await site.client.post("/auth/signup", data=body, headers={"Content-Type": JSON})
        assert answer.status == 200


TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "application/jsonx",
    "*/*",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("content_type", TYPES)
async def test_h1_another_content_type_is_answered_415(tmp_path: Path, path: str, content_type: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.client.post(path, data=json.dumps(ANNA), headers={"Content-Type": content_type})
        assert answer.status == 415
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", PATHS)
async def test_h1_no_content_type_is_answered_415(tmp_path: Path, path: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.client.post(path, data=json.dumps(ANNA), skip_auto_headers=["Content-Type"])
        assert answer.status == 415
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("content_type", [JSON, 'application/json; charset="UTF-8"', "Application/JSON;charset=utf-8"])
async def test_json_in_utf_8_is_taken_however_it_is_spelled(tmp_path: Path, content_type: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.client.post("/auth/signup", data=json.dumps(ANNA), headers={"Content-Type": content_type})
        assert answer.status == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("chunked", [None, True], ids=["with a length", "in chunks"])
async def test_h3_a_body_over_the_limit_is_answered_413(
    tmp_path: Path, path: str, chunked: Literal[True] | None
) -> None:
    body = json.dumps(ANNA).encode().ljust(BODY_BYTES_MAX + 1)
    async with open_site(tmp_path) as site:
        answer = await site.client.post(path, data=body, headers={"Content-Type": JSON}, chunked=chunked)
        assert answer.status == 413


LEAKS = [
    ("/auth/signup", ANNA | {"password": SECRET, "age": "20"}),
    ("/auth/signup", ANNA | {"password": SECRET, "nickname": "\0"}),
    ("/auth/signup", ANNA | {"password": [SECRET]}),
    ("/auth/signup", ANNA | {"password": {"x": SECRET}}),
    ("/auth/signup", ANNA | {"password": SECRET * 300}),
    ("/auth/signup", ANNA | {"password": SECRET, "role": "admin"}),
    ("/auth/signup", {"password": SECRET}),
    ("/auth/signup", BORIS | {"password": SECRET, "email": "x"}),
    ("/auth/signup", BORIS | {"password": SECRET, "email": "taken@example.org"}),
    ("/auth/signup", [ANNA | {"password": SECRET}]),
    ("/auth/signin", {"nickname": "nobody", "password": SECRET}),
    ("/auth/signin", {"nickname": "nobody", "password": [SECRET]}),
    ("/auth/signin", {"password": SECRET}),
    ("/auth/signin", {"nickname": "a", "email": "b", "password": SECRET}),
    ("/auth/signin", {"nickname": "taken", "password": SECRET, "x": 1}),
]


@pytest.mark.parametrize(("path", "body"), LEAKS)
async def test_a14_no_error_and_no_log_line_tells_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], path: str, body: object
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_site(tmp_path) as site:
        await site.post("/auth/signup", BORIS | {"email": "taken@example.org"})
        with capture_logs() as lines:
            answer = await site.post(path, body)
        assert 400 <= answer.status < 500
        assert SECRET not in await answer.text()
        assert SECRET not in str(answer.headers)
    printed = capfd.readouterr()
    assert SECRET not in str(lines) + caplog.text + printed.out + printed.err


@pytest.mark.parametrize("path", PATHS)
async def test_a14_a_password_is_not_told_when_the_daemon_itself_is_at_fault(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up(password=SECRET)
        (tmp_path / "users").rename(tmp_path / "aside")
        with capture_logs() as lines:
            answer = await site.post(path, ANNA | {"nickname": "b", "password": SECRET})
            signin = await site.sign_in(password=SECRET)
        assert signin.status == 503
        assert SECRET not in await answer.text() + await signin.text() + str(lines)
    assert SECRET not in "".join(capfd.readouterr())
