"""The second factor as the API page shows it: its curl lines against a real daemon, with an app of the field."""

import json
import re
import subprocess
import sys
import urllib.error
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest

from tests.house.daemon import ADMIN, PASSWORD, Daemon
from tests.needs import need_program

pytestmark = pytest.mark.long

PAGE = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text(encoding="utf-8")
SHOWN_PASSWORD, SHOWN_CODE, SHOWN_RECOVERY_CODE = "correct horse", "123456", "mzxw-6ytb-oi4t-kmrq"
ADA = {"firstname": "Ada", "lastname": "Lovelace", "nickname": "ada", "age": 36, "password": SHOWN_PASSWORD}


def shown(route: str) -> str:
    """Return the command line of a route's section."""
    (section,) = re.findall(rf"^### `{re.escape(route)}`\n(.*?)^##", PAGE, re.MULTILINE | re.DOTALL)
    (command,) = re.findall(r"^    (curl .*?)\n\n", section, re.MULTILINE | re.DOTALL)
    return command


def typed(daemon: Daemon, token: str, command: str) -> str:
    """Return what a command line prints."""
    return subprocess.run(
        ["sh", "-euc", f"url={daemon.url} token={token}\n{command}"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout


def refusal(daemon: Daemon, form: dict[str, object]) -> str:
    with pytest.raises(urllib.error.HTTPError) as raised:
        daemon.post("/auth/signin", form)
    return str(json.loads(raised.value.read())["code"])


def test_the_lines_of_the_page_switch_a_second_factor_on_and_off(tmp_path: Path) -> None:
    need_program("curl")
    with Daemon.fresh(tmp_path) as daemon:
        token = str(daemon.post("/auth/signup", ADA)["jwt_token"])
        form: dict[str, object] = {"nickname": "ada", "password": SHOWN_PASSWORD}

        app = pyotp.parse_uri(json.loads(typed(daemon, token, shown("POST /auth/otp")))["uri"])
        assert isinstance(app, pyotp.TOTP)
        assert (app.issuer, app.name) == ("Footfall", "ada")
        confirm = shown("POST /auth/otp/confirm").replace(SHOWN_CODE, app.now())
        recovery_codes = json.loads(typed(daemon, token, confirm))["recovery_codes"]

        assert daemon.stop() == 0
        daemon.start()
        assert refusal(daemon, form) == "otp_required"
        # The next one, as the one of this moment may be that of the set-up.
        code = app.at(datetime.now(UTC), counter_offset=1)
        assert daemon.post("/auth/signin", form | {"otp": code})["jwt_token"]
        assert refusal(daemon, form | {"otp": code}) == "otp_invalid"
        assert daemon.post("/auth/signin", form | {"otp": recovery_codes[0]})["jwt_token"]

        end = shown("DELETE /auth/otp").replace(SHOWN_RECOVERY_CODE, recovery_codes[1])
        assert typed(daemon, token, end) == ""
        assert daemon.post("/auth/signin", form)["jwt_token"]
        assert daemon.stop() == 0

    secrets = [app.secret, SHOWN_PASSWORD, *recovery_codes, *(one.replace("-", "") for one in recovery_codes)]
    for path in tmp_path.rglob("*"):
        content = path.read_bytes().lower() if path.is_file() else b""
        assert not any(secret.lower().encode() in content for secret in secrets), path


def test_an_administrator_with_a_second_factor_signs_in_at_the_terminal(tmp_path: Path) -> None:
    with Daemon.fresh(tmp_path / "house") as daemon:
        token = daemon.admin_token()
        app = pyotp.TOTP(str(daemon.post("/auth/otp", {"password": PASSWORD}, token)["secret"]))
        daemon.post("/auth/otp/confirm", {"otp": app.now()}, token)
        code = app.at(datetime.now(UTC), counter_offset=1)
        signin = ["-m", "console", "signin", ADMIN, "--password-stdin", "--url", daemon.url]
        kept = tmp_path / "token"
        done = subprocess.run(
            [sys.executable, *signin, "--token-file", kept],
            input=f"{PASSWORD}\n{code}\n",
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert (done.returncode, kept.exists()) == (0, True), done.stderr
