"""Keys of access tokens on a real daemon: the commands of the operating page, and what a start refuses."""

import re
import urllib.error
from pathlib import Path

import jwt
import pytest

from tests.house.daemon import ADMIN, PASSWORD, Daemon

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").partition("\n## Keys\n")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^    footfalld (keys .*)$", SECTION, re.MULTILINE)
BOTH = pytest.mark.parametrize("algorithm", ["HS256", pytest.param("EdDSA", marks=pytest.mark.long)])


def signed_in(daemon: Daemon) -> dict[str, str]:
    envelope = daemon.post("/auth/signin", {"nickname": ADMIN, "password": PASSWORD})
    return {name: str(envelope[name]) for name in ("jwt_token", "refresh_token")}


def status(daemon: Daemon, token: str) -> int:
    try:
        daemon.get("/auth/me", token)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    return 200


def restarted(daemon: Daemon) -> None:
    assert daemon.stop() == 0
    daemon.start()


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


@BOTH
def test_c10_the_commands_of_the_operating_page_change_the_key_and_end_no_session(tmp_path: Path, algorithm: str):
    listing, rotate, drop = COMMANDS
    with Daemon.fresh(tmp_path, ALGORITHM=algorithm) as daemon:
        first = signed_in(daemon)
        assert daemon.run(*listing.split()).stdout.split()[3:5] == [kid_of(first["jwt_token"]), algorithm]
        daemon.run(*rotate.split())
        restarted(daemon)
        second = signed_in(daemon)
        assert kid_of(second["jwt_token"]) != kid_of(first["jwt_token"])
        assert (status(daemon, first["jwt_token"]), status(daemon, second["jwt_token"])) == (200, 200)
        check_key_set(daemon, algorithm, first["jwt_token"], second["jwt_token"])
        daemon.run(*drop.replace("KEY", kid_of(first["jwt_token"])).split())
        restarted(daemon)
        assert (status(daemon, first["jwt_token"]), status(daemon, second["jwt_token"])) == (401, 200)
        refreshed = daemon.post("/auth/refresh", None, first["refresh_token"])
        assert status(daemon, str(refreshed["jwt_token"])) == 200


def check_key_set(daemon: Daemon, algorithm: str, *tokens: str) -> None:
    """Check tokens as a stranger does: with what is told of the keys alone."""
    if algorithm == "HS256":
        assert daemon.get("/.well-known/jwks.json") == {"keys": []}
        return
    keys = jwt.PyJWKClient(f"{daemon.url}/.well-known/jwks.json")
    for token in tokens:
        found = jwt.decode(
            token, keys.get_signing_key_from_jwt(token), ["EdDSA"], audience="footfall", issuer="footfall"
        )
        assert len(found["sub"]) == 32


@pytest.mark.long
@BOTH
@pytest.mark.parametrize(
    ("line", "mode", "expected"),
    [
        ("SECRET_KEY=short", 0o600, "SECRET_KEY is shorter than 32 bytes; run `footfalld init"),
        ("SECRET_KEY=" + "changeme" * 6, 0o600, "SECRET_KEY is a sample value; run `footfalld init"),
        ("", 0o600, "SECRET_KEY is missing; run `footfalld init"),
        ("OLD_SECRET_KEYS=short", 0o600, "SECRET_KEY is missing; run `footfalld init"),
        (None, 0o640, "others can read or change it (mode 0640); run `chmod 600"),
    ],
)
def test_c9_a_start_refuses_unfit_keys_with_one_line_and_the_remedy(
    tmp_path: Path, algorithm: str, line: str | None, mode: int, expected: str
):
    daemon = Daemon(tmp_path, ALGORITHM=algorithm)
    daemon.run("init")
    text = daemon.env_file.read_text()
    daemon.env_file.write_text(text if line is None else re.sub(r"^SECRET_KEY=.*$", line, text, flags=re.MULTILINE))
    daemon.env_file.chmod(mode)
    done = daemon.run("serve", "--port", "0", check=False)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert expected in said
