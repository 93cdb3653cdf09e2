"""Applications over a real daemon: what they are outlives it, and what is damaged is said in one line."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for

SHOP, HOME = "https://shop.example", "https://home.example"


def status_of(
    daemon: Daemon, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of an answer, whichever they are."""
    raw = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(daemon.url + path, raw, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def track(daemon: Daemon, api_token: str, **headers: str) -> int:
    return status_of(daemon, "POST", "/track", {"source_label": "a"}, X_Api_Token=api_token, **headers)[0]


def created(daemon: Daemon, token: str, app_name: str = "Shop") -> dict[str, str]:
    return {name: str(value) for name, value in daemon.post("/app/create", {"app_name": app_name}, token).items()}


def test_an_application_and_its_tokens_outlive_a_kill(tmp_path: Path):
    with Daemon.fresh(tmp_path / "house") as daemon:
        token = daemon.admin_token()
        made = created(daemon, token)
        path = f"/app/{made['app_code']}"
        rotated = daemon.post(f"{path}/token/rotate", None, token)
        defined = daemon.post(f"/app/create_event/{made['app_code']}", {"events": [{"name": "e"}]}, token)
        read = daemon.post(f"{path}/read-tokens", {"name": "r", "scopes": ["definitions"]}, token)
        daemon.kill_tree()
        daemon.start()
        assert [track(daemon, str(one["api_token"])) for one in (made, rotated)] == [202, 202]
        assert daemon.get(f"{path}/events", token)["events"] == [
            {"event_code": defined["event_code"], "name": "e", "attrs": []}
        ]
        assert status_of(daemon, "GET", f"{path}/events", X_Api_Token=str(read["read_token"]))[0] == 200
        assert daemon.stop() == 0
        daemon.start()
        (shown,) = daemon.get(f"{path}/read-tokens", token)["read_tokens"]
        assert shown["last_used_at"] is not None


def test_h4_pages_may_call_from_the_origins_of_settings_and_applications(tmp_path: Path):
    with Daemon.fresh(tmp_path / "house", FOOTFALL_SITE__ORIGINS=HOME) as daemon:
        token = daemon.admin_token()
        made = created(daemon, token)
        path = f"/app/{made['app_code']}"
        assert status_of(daemon, "PATCH", path, {"origins": [SHOP]}, Authorization=f"Bearer {token}")[0] == 200
        for origin, api_token, status in ((HOME, {}, 202), (SHOP, {"X_Api_Token": made["api_token"]}, 202)):
            asked, headers = status_of(daemon, "OPTIONS", "/track", Origin=origin)
            assert (asked, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (204, origin, "Origin")
            answered, headers = status_of(daemon, "POST", "/track", {"source_label": "a"}, Origin=origin, **api_token)
            assert (answered, headers["Access-Control-Allow-Origin"]) == (status, origin)
        answered, headers = status_of(daemon, "POST", "/track", {"source_label": "a"}, Origin=SHOP)
        assert (answered, "Access-Control-Allow-Origin" in headers, headers["Vary"]) == (202, False, "Origin")


def test_the_events_of_an_application_that_is_deleted_stay(tmp_path: Path):
    with Daemon.fresh(tmp_path / "house") as daemon:
        token = daemon.admin_token()
        made = created(daemon, token)
        assert track(daemon, made["api_token"]) == 202
        assert status_of(daemon, "DELETE", f"/app/{made['app_code']}", Authorization=f"Bearer {token}")[0] == 204
        assert track(daemon, made["api_token"]) == 401

        def is_stored() -> bool:
            ledger = daemon.get("/admin/log", token)["ledger"]
            return ledger["pending"] == 0 and ledger["stored"] == ledger["answered"]

        wait_for(is_stored)


@pytest.mark.parametrize("content", [b"", b'{"app_code": "no'])
def test_a_damaged_file_of_an_application_is_one_line_that_names_it(tmp_path: Path, content: bytes):
    with Daemon.fresh(tmp_path / "house") as daemon:
        made = created(daemon, daemon.admin_token())
        assert daemon.stop() == 0
        (daemon.data / "apps" / f"{made['app_code']}.json").write_bytes(content)
        daemon.stderr_file.write_text("")
        assert not daemon.launch()
        lines = [line for line in daemon.stderr_file.read_text().splitlines() if line.startswith("footfalld: ")]
        assert len(lines) == 1
        assert f"{made['app_code']}.json: is no application" in lines[0]
