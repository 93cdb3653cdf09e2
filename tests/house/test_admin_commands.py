"""`footfall users` and `footfall audit` against a real daemon, in processes of their own."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house.daemon import PASSWORD, Daemon
from tests.tmux import terminal

CONSOLE = [sys.executable, "-m", "console"]


class Site(NamedTuple):
    """A daemon with the users ann and anna, and the commands of its administrator."""

    daemon: Daemon
    token: str

    def run(self, *words: str) -> tuple[int, str, str]:
        """Return exit status, stdout and stderr of `footfall` with these words."""
        done = subprocess.run(
            [*CONSOLE, *words, "--url", self.daemon.url],
            env=os.environ | {"FOOTFALL_TOKEN": self.token},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def sign_in(self, nickname: str) -> bool:
        """Return whether the user gets in."""
        with contextlib.suppress(urllib.error.HTTPError):
            self.daemon.post("/auth/signin", {"nickname": nickname, "password": PASSWORD})
            return True
        return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Daemon.fresh(tmp_path_factory.mktemp("commands") / "house") as daemon:
        for name in ("ann", "anna"):
            person = {"nickname": name, "firstname": "A", "lastname": "N", "age": 33, "password": PASSWORD}
            daemon.post("/auth/signup", person)
        yield Site(daemon, daemon.admin_token())


def test_users_are_listed_searched_and_shown(site: Site) -> None:
    status, out, err = site.run("users", "ls", "--sort", "name", "--order", "asc")
    assert (status, err) == (0, "")
    heading, *rows = out.splitlines()
    assert heading.split() == ["user_id", "name", "role", "created", "last", "seen", "blocked"]
    assert [row.split()[1:3] for row in rows] == [["ann", "user"], ["anna", "user"], ["boss", "admin"]]
    assert site.run("users", "ls", "-n", "1")[2] == "footfall: only 1 of 3 users are shown: see -n\n"
    listed = json.loads(site.run("users", "ls", "--role", "admin", "--json")[1])
    assert [user["nickname"] for user in listed["users"]] == ["boss"]
    shown = site.run("users", "show", "ANNA")[1]
    assert "nickname   anna\n" in shown
    assert PASSWORD not in shown


def test_a_user_is_blocked_let_in_again_signed_out_and_given_a_role(site: Site) -> None:
    assert site.run("users", "block", "ann") == (0, "ann: blocked\n", "")
    assert not site.sign_in("ann")
    assert site.sign_in("anna")
    assert [row.split()[1] for row in site.run("users", "ls", "--state", "blocked")[1].splitlines()[1:]] == ["ann"]
    assert site.run("users", "unblock", "ann") == (0, "ann: unblocked\n", "")
    assert site.sign_in("ann")
    assert site.run("users", "signout", "ann") == (0, "ann: signed out\n", "")
    assert site.run("users", "otp-off", "ann") == (0, "ann: without a second factor\n", "")
    assert site.run("users", "role", "ann", "analyst") == (0, "ann: now analyst\n", "")
    assert site.run("users", "role", "boss", "user")[0] == 1
    rows = site.run("audit", "ls", "--event", "authz_change")[1].splitlines()
    assert [row.split()[-2:] for row in rows[1:]] == [["role", "analyst"]]


def test_the_ids_of_the_record_are_those_that_other_commands_take(site: Site) -> None:
    assert site.run("users", "signout", "ann")[0] == 0
    assert site.sign_in("ann")
    assert site.run("users", "signout", "ann")[0] == 0
    newest = site.run("audit", "ls", "--event", "session_expired", "-n", "1")[1].splitlines()[1]
    actor, _, subject = newest.split()[5:8]
    assert "nickname   boss\n" in site.run("users", "show", actor)[1]
    assert "nickname   ann\n" in site.run("users", "show", subject)[1]
    of_subject = site.run("audit", "ls", "--user-id", subject, "-n", "1")[1].splitlines()[1]
    assert of_subject.split() == newest.split()


def test_a_user_is_erased_once_its_name_is_typed(site: Site, tmp_path: Path) -> None:
    assert site.run("users", "erase", "anna") == (2, "", "footfall: there is no terminal to ask on; say --yes\n")
    environment = {"FOOTFALL_TOKEN": site.token}
    for typed, ends in (("ann", "nothing was done"), ("anna", "anna: erased")):
        with terminal([*CONSOLE, "users", "erase", "anna", "--url", site.daemon.url], tmp_path, **environment) as shown:
            shown.shows("Type 'anna' to go on")
            assert site.sign_in("anna")
            shown.press(*typed, "Enter")
            shown.shows(ends)
    assert not site.sign_in("anna")
    assert site.run("users", "show", "anna")[2] == (
        "footfall: nobody is called 'anna'; `footfall users ls --search 'anna'` finds parts of names\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("users",),
        ("users", "ls", "-n", "0"),
        ("users", "ls", "-n", "201"),
        ("users", "ls", "--inactive-days", "x"),
        ("users", "ls", "--inactive-days", "30"),
        ("users", "ls", "--state", "blocked", "--inactive-days", "30"),
        ("users", "ls", "--state", "locked"),
        ("users", "role", "ann"),
        ("users", "role", "ann", "root"),
        ("users", "block"),
        ("users", "block", "nobody-of-that-name"),
        ("audit",),
        ("audit", "ls", "--outcome", "maybe"),
    ],
)
def test_what_is_asked_wrongly_is_said_on_stderr_with_status_2(site: Site, words: tuple[str, ...]) -> None:
    status, out, err = site.run(*words)
    assert (status, out) == (2, "")
    assert err


def test_nobody_but_an_administrator_may(site: Site) -> None:
    token = site.daemon.post("/auth/signin", {"nickname": "ann", "password": PASSWORD})["jwt_token"]
    status, out, err = site._replace(token=str(token)).run("users", "ls")
    assert (status, out) == (1, "")
    assert "insufficient_scope" in err


def test_the_record_is_verified_and_what_was_changed_is_named(site: Site) -> None:
    status, out, err = site.run("audit", "verify")
    assert (status, err) == (0, "")
    assert out.endswith(" entries, every one as it was written\n")
    assert json.loads(site.run("audit", "verify", "--json")[1])["damage"] is None
    (file,) = (site.daemon.data / "audit").glob("*.ndjson")
    written = file.read_bytes()
    first, second, *rest = written.splitlines(keepends=True)
    file.write_bytes(b"".join([first, second.replace(b"success", b"failure"), *rest]))
    status, out, _ = site.run("audit", "verify")
    assert status == 1
    assert out.startswith("1 entries are as they were written, then entry 2 (")
    file.write_bytes(written)
