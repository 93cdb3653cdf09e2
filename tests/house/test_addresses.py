"""What a daemon keeps of where its visitors come from: a country, and the hash of a day."""

import json
import urllib.request
from pathlib import Path

import pytest

from tests.collector.test_context import write_countries
from tests.collector.test_cookieless import UUID_8
from tests.house.daemon import Daemon, wait_for
from tests.storage.test_erasure import traces_of

pytestmark = pytest.mark.long

ADDRESS = "203.0.113.77"


def track(daemon: Daemon, **headers: str) -> None:
    sent = {"Content-Type": "application/json", "X-Forwarded-For": ADDRESS} | headers
    request = urllib.request.Request(f"{daemon.url}/track", b'{"source_label": "a"}', sent)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert "Set-Cookie" not in answer.headers


def events(daemon: Daemon, token: str) -> list[dict[str, object]]:
    lines = daemon.open("/export/events.ndjson?source_label=a", None, token).splitlines()
    return [json.loads(line) for line in lines]


def test_no_file_tells_of_an_address_and_no_backup_of_the_salt(tmp_path: Path) -> None:
    settings = {
        "FOOTFALL_SITE__VISITORS": "cookieless",
        "FOOTFALL_PRIVACY__GEO_DATABASE": str(
            write_countries(tmp_path / "c.mmdb", DE="203.0.112.0/24", FR="203.0.113.0/26")
        ),
        "FOOTFALL_PRIVACY__BLOCKED_ADDRESSES": "203.0.113.64/26, 2001:db8::/32",
    }
    with Daemon.fresh(tmp_path / "house", **settings) as daemon:
        token = daemon.admin_token()
        track(daemon)
        track(daemon)
        track(daemon, **{"X-Forwarded-For": "203.0.112.9"})
        wait_for(lambda: len(events(daemon, token)) == 3)
        first, second, third = events(daemon, token)
        daemon.run("backup", str(tmp_path / "backup"))
        assert b'footfall_events_noticed_total{rule="address"} 2.0' in daemon.open("/metrics", None)
        assert daemon.stop() == 0
        assert (daemon.data / "day_salt.json").exists()
        assert not list((tmp_path / "backup").rglob("day_salt*"))
        for place in (daemon.data, tmp_path / "backup"):
            assert traces_of(place, (ADDRESS.encode(), b"203.0.112.9")) == {}
    assert first["anonymous_id"] == second["anonymous_id"] != third["anonymous_id"]
    assert UUID_8.fullmatch(str(first["anonymous_id"]))
    assert [one.get("filtered") for one in (first, second, third)] == ["address", "address", None]
    assert third["country"] == "DE"


@pytest.mark.parametrize("content", [None, b"", b"no database"])
def test_a_file_of_countries_that_cannot_be_read_keeps_the_daemon_from_starting_with_one_line(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "c.mmdb"
    if content is not None:
        path.write_bytes(content)
    with Daemon(tmp_path / "house", FOOTFALL_PRIVACY__GEO_DATABASE=str(path)) as daemon:
        daemon.run("init")
        assert not daemon.launch()
        assert daemon.wait() == 1
        (line,) = [line for line in daemon.stderr_file.read_text().splitlines() if str(path) in line]
        assert line.startswith("footfalld: ")
        assert "privacy.geo_database" in line
