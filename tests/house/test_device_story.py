"""R1's whole story on a real daemon: an owner signs up, makes an application, devices send, the pivot is as counted by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.house.daemon import Daemon, wait_for

ANSWER_S = 20.0
OWNER = {"name": "Ada", "surname": "Lovelace", "email": "ada@example.com", "password": "12345", "phone": "+1 555 0100"}
OTHER = OWNER | {"email": "grace@example.com"}

PARTS = {"name": "Part Count", "attrs": [{"name": "part", "type": "string"}, {"name": "n", "type": "integer"}]}

SENT = [
    ("u1", [{"name": "part", "value": "diode"}, {"name": "n", "value": 200}]),
    ("u1", [{"name": "part", "type": "string", "value": "diode"}, {"name": "n", "type": "integer", "value": 35}]),
    ("u1", {"part": "resistor", "n": 11}),
    ("u1", {"part": "transistor", "n": 14}),
    ("u2", {"part": "resistor", "n": 3}),
    ("u2", {"part": "user_code", "n": 2}),
    ("u3", [{"name": "part"}, {"name": "n"}]),
]
"""What the devices send; the last one as R1 prints it, without values."""

BY_HAND = [
    {"user_code": "u1", "diode": 235, "resistor": 11, "transistor": 14, "user_code_": 0, "": 0},
    {"user_code": "u2", "diode": 0, "resistor": 3, "transistor": 0, "user_code_": 2, "": 0},
    {"user_code": "u3", "diode": 0, "resistor": 0, "transistor": 0, "user_code_": 0, "": 0},
]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    # R1 prints a password of five characters.
    with Daemon.fresh(tmp_path, FOOTFALL_IDENTITY__PASSWORD_LENGTH_MIN="5") as running:
        yield running


def asked(daemon: Daemon, method: str, path: str, body: object = None, status: int = 200, **headers: str) -> Any:
    answer = requests.request(method, daemon.url + path, json=body, headers=headers, timeout=ANSWER_S)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def signed_up(daemon: Daemon, person: dict[str, str]) -> dict[str, str]:
    """Sign up, sign in and refresh as R1's clients do, and return the header of the last token."""
    asked(daemon, "POST", "/auth/signup", person)
    signin = {"email": person["email"], "password": person["password"]}
    token = asked(daemon, "POST", "/auth/signin", signin)["jwt_token"]
    refreshed = asked(daemon, "GET", "/auth/refresh", Authorization=f"Bearer {token}")["jwt_token"]
    return {"Authorization": f"Bearer {refreshed}"}


def message(user: str, attrs: object, event_name: str = "part-count") -> dict[str, object]:
    return {"user_code": user, "event_name": event_name, "attrs": attrs}


def test_r1s_whole_story(daemon: Daemon):
    owner, other = signed_up(daemon, OWNER), signed_up(daemon, OTHER)

    # The application: 403 without a token, 400 for a name twice, another user may have it.
    asked(daemon, "POST", "/app/create", {"app_name": "Lab"}, 403)
    app = asked(daemon, "POST", "/app/create", {"app_name": "Lab"}, **owner)
    asked(daemon, "POST", "/app/create", {"app_name": "Lab"}, 400, **owner)
    theirs = asked(daemon, "POST", "/app/create", {"app_name": "Lab"}, **other)
    shown = asked(daemon, "GET", f"/app/{app['app_code']}", **owner)
    assert {name: shown[name] for name in ("api_token", "app_code")} == app

    # The event, which is enforced.
    defined = asked(daemon, "POST", f"/app/create_event/{app['app_code']}", {"events": [PARTS]}, **owner)
    asked(daemon, "PATCH", f"/app/{app['app_code']}", {"mode": "enforce"}, **owner)
    pivot = f"/analytics/{app['app_code']}/{defined['event_code']}"
    assert asked(daemon, "GET", pivot, **owner) == []

    # The devices; one uses the wrong token, one sends what is not defined.
    device, token = f"/device/{app['app_code']}", {"X-Api-Token": app["api_token"]}
    for user, attrs in SENT[:4]:
        asked(daemon, "POST", device, message(user, attrs), **token)
    for user, attrs in SENT[4:]:
        asked(daemon, "POST", f"{device}?api_token={quote(app['api_token'])}", message(user, attrs, "Part Count"))
    asked(daemon, "POST", device, message("u9", {"n": 1}), 401, **{"X-Api-Token": theirs["api_token"]})
    problem = asked(daemon, "POST", device, message("u3", {"part": "lamp", "n": 5, "lab": "east"}), 422, **token)
    assert [(one["path"], one["code"]) for one in problem["errors"]] == [("$.attrs.lab", "attr_undefined")]

    # A power cut later the table is the one that was made by hand.
    daemon.kill_tree()
    daemon.start()
    wait_for(lambda: daemon.get("/health", daemon.admin_token())["store"])
    # A store that was killed early is filled again first, and says so by a 503.
    wait_for(lambda: requests.get(daemon.url + pivot, headers=owner, timeout=ANSWER_S).json() == BY_HAND)
    assert asked(daemon, "GET", f"{pivot}?to=2000-01-01", **owner) == []
    asked(daemon, "GET", pivot, None, 404, **other)
    asked(daemon, "GET", f"/analytics/none/{defined['event_code']}", None, 404, **owner)
    asked(daemon, "GET", f"/analytics/{app['app_code']}/none", None, 404, **owner)

    # The definition is repaired: what was in quarantine comes in as it was sent.
    repaired = PARTS | {"attrs": [*PARTS["attrs"], {"name": "lab", "type": "string"}]}
    again = asked(daemon, "POST", f"/app/create_event/{app['app_code']}", {"events": [repaired]}, **owner)
    assert again["event_code"] == defined["event_code"]
    admin = {"Authorization": f"Bearer {daemon.admin_token()}"}
    replay = f"/admin/rejected/replay?app_code={app['app_code']}&code=attr_undefined"
    for _ in range(2):  # a second time does no harm
        done = asked(daemon, "POST", replay, None, 202, **admin)
        assert done == {"replayed": 1, "refused": [], "next": None}
    by_hand = [row | {"lamp": 0} for row in BY_HAND]
    by_hand[2]["lamp"] = 5
    wait_for(lambda: by_user(asked(daemon, "GET", pivot, **owner)) == by_user(by_hand))
    assert by_user(asked(daemon, "GET", f"{pivot}?by=lab", **owner))["u3"] == {"user_code": "u3", "": 0, "east": 5}

    # What was answered adds up.
    wait_for(lambda: daemon.get("/admin/log", daemon.admin_token())["ledger"]["pending"] == 0)
    ledger = daemon.get("/admin/log", daemon.admin_token())["ledger"]
    assert ledger["rejected"] == 1
    assert ledger["answered"] == sum(ledger[name] for name in ("stored", "duplicate", "rejected", "lost", "pending"))


def by_user(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["user_code"]: row for row in rows}
