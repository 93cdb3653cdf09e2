"""R12 whole: a person of two applications is shown and erased; no file tells of the person, of a restored backup neither."""

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.storage.test_erasure import traces_of

QUICK = {"FOOTFALL_STORE__CHECKPOINT_S": "0.3", "FOOTFALL_LOG__SEGMENT_AGE_S": "0.5"}
BROWSER = "SecretBrowser/9"
PHONE, DESK = str(uuid.uuid4()), str(uuid.uuid4())
ADA, ODD = "secret-ada@example.org", 'secret "ada" \\ é'
SECRETS = [b"secret", b"Secret", PHONE.encode(), DESK.encode()]
"""What every text of the person has in it."""

PASS = {"password": "correct horse battery"}
PUBLIC = {"source_label": "pageview", "page_url": "/public"}
STAYS = {"audit": "the record of accounts is chained", "removed.json": "the tombstone"}


class Site:
    """A daemon with the application `shop`, whose owner is its administrator."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.token = daemon.admin_token()
        self.shop = self.daemon.post("/app/create", {"app_name": "shop"}, self.token)
        self.app_code = str(self.shop["app_code"])
        define = {
            "events": [
                {"name": "buy", "attrs": [{"name": "count", "type": "integer"}, {"name": "note", "type": "string"}]}
            ]
        }
        self.daemon.post(f"/app/create_event/{self.app_code}", define, self.token)
        self.ask("PATCH", f"/app/{self.app_code}", {"mode": "enforce"})

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> bytes:
        """Send a request as the administrator, unless it says who it is; return the answer's bytes."""
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"} | headers
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.daemon.url + path, raw, sent, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())

    def track(
        self, items: list[dict[str, Any]], *, app: str = "site", token: str | None = None, browser: str = BROWSER
    ) -> None:
        who = {"Authorization": f"Bearer {token}"} if token else {"X-None": "1"}
        api = {"X-Api-Token": str(self.shop["api_token"])} if app == "shop" else {}
        raw = json.dumps(items).encode()
        headers = {"Content-Type": "application/json", "User-Agent": browser} | who | api
        request = urllib.request.Request(f"{self.daemon.url}/track", raw, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 202

    def settled(self) -> None:
        """Return once everything that was answered is loaded, and nobody is being erased."""

        def is_settled() -> bool:
            store = self.daemon.get("/health", self.token)["store"]
            ledger = self.daemon.get("/admin/log", self.token)["ledger"]
            return bool(store and ledger) and store["erasing"] == 0 and ledger["pending"] == 0

        wait_for(is_settled)

    def totals(self) -> dict[str, Any]:
        """Return the figures that an erasure must leave as they are; what is on record of it are events beside."""
        asked = {"metrics": ["pageviews", "visitors", "visits"], "range": "30d"}
        days = [self.daemon.post("/query", asked | {"dimensions": by}, self.token)["rows"] for by in ([], ["time:day"])]
        ledger = self.daemon.get("/admin/log", self.token)["ledger"]
        return {"days": days} | {state: ledger[state] for state in ("duplicate", "rejected", "lost")}

    def exported(self, **who: str) -> list[dict[str, Any]]:
        query = urllib.parse.urlencode(who)
        return [json.loads(line) for line in self.ask("GET", f"/admin/export/person?{query}").splitlines()]


def private(**members: object) -> dict[str, Any]:
    told = {"page_url": "/secret/page?q=secret", "referrer": "https://secret.example/", "title": "secret title"}
    return {"source_label": "pageview", **told, "attrs": {"note": ["secret", {"deep": "secret"}]}, **members}


def live(site: Site) -> str:
    """Let the person do all that leaves something behind, with somebody else beside; return the person's user_id."""
    body = {
        "firstname": "Secretia",
        "lastname": "Secret",
        "nickname": "secretia",
        "age": 36,
        "password": "correct horse battery",
    }
    signed_up = site.daemon.post("/auth/signup", body)
    token, user_id = str(signed_up["jwt_token"]), str(signed_up["user"]["user_id"])
    wrong = {"source_label": 7, "secret": "secret"}
    site.track([private(anonymous_id=PHONE), {"source_label": 7, "anonymous_id": PHONE, "a": "secret"}])
    site.track([private(anonymous_id=PHONE), private(), wrong], token=token)
    shop = [
        private(anonymous_id=DESK, source_label="buy", attrs={"count": 1, "note": "secret"}),
        private(anonymous_id=DESK, source_label="buy", attrs={"count": 1}, id_user=ADA),
        private(source_label="buy", attrs={"count": "secret"}, id_user=ADA),
        private(source_label="secret undefined", id_user=ADA, attrs={"raw": json.dumps({"id": ADA})}),
        {"source_label": 7, "secret": "secret", "link": f"/?u={ADA.replace('@', '%40')}"},
        private(source_label="buy", attrs={}, id_user=ODD),
        private(source_label="buy", attrs={"count": "x"}, id_user=ODD),
    ]
    site.track(shop, app="shop")
    site.track([PUBLIC], browser="Public/1")
    site.track([{"source_label": "buy", "page_url": "/public", "id_user": "bob"}], app="shop", browser="Public/1")
    return user_id


def left(daemon: Daemon, user_id: str) -> set[str]:
    """Return the files below the data directory, by the first part of their place, that tell of the person."""
    found = traces_of(daemon.data, [*SECRETS, user_id.encode()])
    return {Path(name).parts[0] for name in found}


def erase(site: Site, user_id: str) -> None:
    site.ask("POST", "/admin/erase", {"user_id": user_id})
    site.ask("POST", f"/app/{site.app_code}/people/erase", {"user_id": ADA})
    site.ask("POST", f"/app/{site.app_code}/people/erase", {"user_id": ODD})
    site.settled()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Daemon.fresh(tmp_path / "house", **QUICK) as daemon:
        yield Site(daemon)


def test_nothing_of_an_erased_person_is_left_in_any_file_nor_comes_back_with_a_backup_and_totals_stay(
    site: Site, tmp_path: Path
) -> None:
    daemon = site.daemon
    user_id = live(site)
    site.settled()
    wait_for(lambda: left(daemon, user_id) >= {"archive", "store", "users"})
    site.track([private(anonymous_id=PHONE)])
    site.settled()
    before = site.totals()
    daemon.run("backup", str(tmp_path / "backup"))
    erase(site, user_id)
    wait_for(lambda: left(daemon, user_id) <= STAYS.keys())
    assert site.totals() == before
    assert daemon.stop() == 0
    assert left(daemon, user_id) <= STAYS.keys()
    restore(daemon, tmp_path / "backup")
    daemon.start()
    site.settled()
    wait_for(lambda: left(daemon, user_id) <= STAYS.keys())
    assert site.totals() == before
    assert daemon.stop() == 0
    assert left(daemon, user_id) <= STAYS.keys()


def restore(daemon: Daemon, backup: Path) -> None:
    """Put the backup in the place of all that is there but the lists of who was erased."""
    kept = {name: (daemon.data / name).read_bytes() for name in ("erased.json", "removed.json")}
    shutil.rmtree(daemon.data)
    daemon.data.mkdir(mode=0o700)
    for name, content in kept.items():
        (daemon.data / name).write_bytes(content)
    daemon.run("restore", str(backup))


def test_what_is_held_about_a_person_is_shown_whole_and_nothing_of_anybody_else(site: Site) -> None:
    user_id = live(site)
    site.settled()
    account, *lines = site.exported(user_id=user_id)
    assert account["account"]["profile"]["nickname"] == "secretia"
    kinds = [next(iter(line)) for line in lines]
    assert sorted(kinds, key=["event", "rejected", "auth_event"].index) == kinds
    pages = [line["event"].get("page_url") for line in lines if "event" in line]
    assert pages.count("/secret/page?q=secret") == 3
    assert kinds.count("rejected") == 2
    assert "auth_event" in kinds
    of_shop = site.exported(app_code=site.app_code, user_id=ADA)
    assert [next(iter(line)) for line in of_shop] == ["event"] * 2 + ["rejected"] * 3
    of_visitor = site.exported(app_code=site.app_code, anonymous_id=DESK)
    assert [line["event"].get("id_user") for line in of_visitor if "event" in line] == [ADA, ADA]
    told = json.dumps([lines, of_shop, of_visitor])
    assert "bob" not in told
    assert "/public" not in told
    assert site.exported(app_code=site.app_code, user_id="nobody") == []


@pytest.mark.long
def test_a_visitor_of_an_application_is_found_by_the_cookie_that_the_application_never_sees(site: Site) -> None:
    cookie = str(uuid.uuid4())
    sender = {"Cookie": f"footfall_id={cookie}", "X-Api-Token": str(site.shop["api_token"]), "Authorization": "Basic x"}
    site.ask("POST", "/track", {"source_label": "buy"}, **sender)
    site.settled()
    who = {"app_code": site.app_code, "anonymous_id": cookie}
    (found,) = site.exported(**who)
    assert found["event"]["anonymous_id"] != cookie
    assert cookie.encode() not in site.ask("GET", f"/export/events.ndjson?app_code={site.app_code}")
    site.ask("POST", f"/app/{site.app_code}/people/erase", {"anonymous_id": cookie})
    site.settled()
    assert site.exported(**who) == []


EXPORTS = ["/admin/export/person", "/app/{app_code}/people/export"]
ERASURES = ["/admin/erase", "/app/{app_code}/people/erase"]
NOBODY: list[dict[str, Any]] = [
    {},
    {"user_id": "a", "anonymous_id": "b"},
    {"user_id": ""},
    {"user_id": "a" * 65},
    {"anonymous_id": ""},
    {"user_id": "a", "unheard_of": "b"},
]


def refused(site: Site, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as raised:
        site.ask(method, path, body, **headers)
    with raised.value as answer:
        return answer.status, json.loads(answer.read())["code"]


@pytest.mark.long
def test_who_is_no_person_or_of_another_s_application_is_neither_shown_nor_erased(site: Site) -> None:
    for who in NOBODY:
        for path in EXPORTS:
            asked = f"{path.format(app_code=site.app_code)}?{urllib.parse.urlencode(who)}"
            assert refused(site, "GET", asked) == (422, "query_invalid")
        for path in ERASURES:
            assert refused(site, "POST", path.format(app_code=site.app_code), who) == (422, "body_invalid")
    for app_code in ("site", "never-made"):
        assert refused(site, "GET", f"/app/{app_code}/people/export?user_id=a") == (404, "app_unknown")
        assert refused(site, "POST", f"/app/{app_code}/people/erase", {"user_id": "a"}) == (404, "app_unknown")
    signed_up = site.daemon.post(
        "/auth/signup", {"nickname": "eve", "firstname": "E", "lastname": "V", "age": 30} | PASS
    )
    eve = {"Authorization": f"Bearer {signed_up['jwt_token']}"}
    own = f"/app/{site.app_code}/people"
    assert refused(site, "GET", f"{own}/export?user_id=a", **eve) == (404, "app_unknown")
    assert refused(site, "POST", f"{own}/erase", {"user_id": "a"}, **eve) == (404, "app_unknown")
    assert refused(site, "POST", "/admin/erase", {"user_id": "a"}, **eve) == (403, "insufficient_scope")
    boss = str(site.daemon.get("/auth/me", site.token)["user_id"])
    assert refused(site, "POST", "/admin/erase", {"user_id": boss}) == (409, "last_admin")


@pytest.mark.long
def test_both_are_on_record_first_and_say_nothing_of_who_it_is(site: Site) -> None:
    site.ask("GET", f"/app/{site.app_code}/people/export?user_id=secret")
    site.ask("POST", f"/app/{site.app_code}/people/erase", {"anonymous_id": "secret"})
    site.daemon.run("erase", "--app-code", site.app_code, "--user-id", "secret", "--yes")
    listed: Any = site.daemon.get("/admin/auth-events?limit=3", site.token)["events"]
    told = [(one["event"], one["actor"] is None, len(one["name"]), site.app_code in one["note"]) for one in listed]
    assert told == [
        ("person_erased", True, 32, True),
        ("person_erased", False, 32, True),
        ("sensitive_read", False, 32, True),
    ]
    assert "secret" not in json.dumps(listed)
