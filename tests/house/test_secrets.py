"""Row A14 on a real daemon: of all passwords and tokens that were sent, none is in a file, a log line, an error or a metric."""

import base64
import itertools
import json
import secrets
import socket
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pyotp
import pytest

from tests.house.daemon import Daemon

ANNA = {"nickname": "anna", "firstname": "A", "lastname": "I", "age": 33}
BORIS = {"email": "boris@example.org", "name": "B"}
BODY_BYTES_MAX = 1 << 16
Headers = dict[str, str]


class Sender:
    """Sends requests, and remembers every secret of them and every answer that gives none."""

    def __init__(self, daemon: Daemon, session: aiohttp.ClientSession) -> None:
        self.secrets: list[str] = []
        self.answers: list[str] = []
        self._daemon = daemon
        self._session = session
        self._numbers = itertools.count()

    def new(self) -> str:
        """Return a password that nothing else in the world contains."""
        self.secrets.append(f"pass {next(self._numbers)} {secrets.token_hex(12)}")
        return self.secrets[-1]

    async def send(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **headers: str
    ) -> int:
        """Send JSON or raw bytes and return the status."""
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(
            method, path, data=content, headers={"Content-Type": "application/json"} | named
        ) as answer:
            self.answers.append(f"{answer.headers} {await answer.text()}")
            return answer.status

    async def granted(self, path: str, body: object, **headers: str) -> dict[str, Any]:
        """Send what is answered with tokens, codes or keys, which are secrets from then on."""
        async with self._session.post(path, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            told = dict(await answer.json())
        for name in ("jwt_token", "refresh_token", "secret", "uri"):
            self.secrets += [told[name]] if name in told else []
        self.secrets += told.get("recovery_codes", [])
        return told

    def unreadable(self, request: bytes) -> None:
        """Send what is no HTTP; its answer, in the parser's own words, goes to nobody but its sender."""
        host, _, port = self._daemon.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as one:
            one.sendall(request)
            assert b"".join(iter(lambda: one.recv(1 << 16), b"")).startswith(b"HTTP/1.0 400 ")


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


async def sign_up_and_in(sender: Sender) -> dict[str, Any]:
    """Send good and wrong credentials, and passwords where none belongs."""
    right, second = sender.new(), sender.new()
    anna = await sender.granted("/auth/signup", ANNA | {"password": right})
    await sender.granted("/auth/signup", BORIS | {"password": second})
    await sender.granted("/auth/signin", {"nickname": "anna", "password": right})
    for name in ({"nickname": "anna"}, {"nickname": "nobody"}, {"email": "boris@example.org"}):
        assert await sender.send("POST", "/auth/signin", name | {"password": sender.new()}) == 401
    for form in ({"nickname": sender.new()}, {"email": sender.new()}):
        assert await sender.send("POST", "/auth/signin", form | {"password": sender.new()}) == 401
    wrong: list[tuple[str, object]] = [
        ("/auth/signin", {"nickname": "anna", "pasword": sender.new()}),
        ("/auth/signin", {"nickname": "anna", "password": [sender.new()]}),
        ("/auth/signin", {"nickname": {"anna": sender.new()}, "password": sender.new()}),
        ("/auth/signin", [sender.new()]),
        ("/auth/signup", ANNA | {"age": sender.new(), "password": sender.new()}),
        ("/auth/signup", ANNA | {"nickname": sender.new() + "\0", "password": sender.new()}),
        ("/auth/signup", ANNA | {"password": sender.new() * 200}),
        ("/auth/signup", BORIS | {"email": sender.new(), "password": sender.new()}),
        ("/auth/signup", BORIS | {"role": sender.new(), "password": sender.new()}),
    ]
    for path, body in wrong:
        assert await sender.send("POST", path, body) == 422
    assert await sender.send("POST", "/auth/signup", ANNA | {"password": sender.new()}) == 409
    return anna | {"password": right}


async def send_what_is_no_form(sender: Sender) -> None:
    """Send passwords in bodies that are none, in paths and in headers."""
    for path in ("/auth/signin", "/auth/signup"):
        cut = json.dumps({"nickname": "anna", "password": sender.new()})[:-1].encode()
        assert await sender.send("POST", path, raw=cut) == 400
        assert await sender.send("POST", path, raw=cut.ljust(BODY_BYTES_MAX + 1)) == 413
        assert await sender.send("POST", path, raw=cut, Content_Type="text/plain") == 415
        assert await sender.send("PUT", path, {"password": sender.new()}) == 405
        assert await sender.send("POST", f"{path}?password={sender.new()}") == 400
        assert await sender.send("POST", f"{path}/{sender.new()}") == 404
        body = f"nickname=anna&password={sender.new()}".encode()
        sender.unreadable(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            + body
        )
    basic = base64.b64encode(f"anna:{sender.new()}".encode()).decode()
    assert await sender.send("GET", "/auth/me", Authorization=f"Basic {basic}") == 401


async def send_tokens(sender: Sender, anna: dict[str, Any]) -> None:
    """Send tokens good and bad, and where none belongs."""
    token, refresh = anna["jwt_token"], anna["refresh_token"]
    assert await sender.send("GET", "/auth/me", **bearer(token)) == 200
    for bad in (token + "x", token[:-1], refresh, f"{token} {token}"):
        assert await sender.send("GET", "/auth/me", **bearer(bad)) == 401
    assert await sender.send("GET", f"/auth/me?access_token={token}") == 401
    assert await sender.send("GET", f"/stats/visits?token={token}", **bearer(token)) == 422
    assert await sender.send("DELETE", f"/auth/sessions/{token}", **bearer(token)) == 404
    assert await sender.send("GET", f"/admin/users/{token}", **bearer(token)) == 403
    assert await sender.send("POST", "/auth/refresh", {"refresh_token": refresh}) == 401
    assert await sender.send("POST", "/auth/signin", {"nickname": "anna", "password": token}) == 401
    assert await sender.send("POST", "/track", {"source_label": "a"}, X_Api_Token=token) == 401
    assert await sender.send("GET", "/health", X_Forwarded_For=token, X_Request_ID=token) == 200
    for value in (f"Bearer {token}\0", f"Bearer {token}{'x' * 9000}", f"Bearer {token}\r\n \x01"):
        sender.unreadable(f"GET /auth/me HTTP/1.1\r\nHost: a\r\nAuthorization: {value}\r\n\r\n".encode())


async def change_passwords(sender: Sender, anna: dict[str, Any]) -> None:
    """Change the password with the right one and with wrong ones."""
    me = bearer(anna["jwt_token"]) | {"If_Match": "*"}
    for current, status in ((sender.new(), 403), (anna["password"], 200)):
        assert await sender.send(
            "PATCH", "/auth/me", {"password": sender.new(), "current_password": current}, **me
        ) == (status)
    wrong = {"password": [sender.new()], "current_password": sender.new()}
    assert await sender.send("PATCH", "/auth/me", wrong, **me) == 422


async def refresh(sender: Sender, anna: dict[str, Any]) -> None:
    """Use refresh tokens, a wrong one and one twice over."""
    first = anna["refresh_token"]
    second = await sender.granted("/auth/refresh", None, **bearer(first))
    await sender.granted("/auth/refresh", None, **bearer(second["refresh_token"]))
    for bad in (first, second["refresh_token"][:-1], anna["jwt_token"]):
        assert await sender.send("POST", "/auth/refresh", **bearer(bad)) == 401


async def use_a_second_factor(sender: Sender) -> None:
    """Set it up, sign in with it, and take it away again, with right and with wrong codes."""
    password = sender.new()
    otto = bearer(
        (await sender.granted("/auth/signup", ANNA | {"nickname": "otto", "password": password}))["jwt_token"]
    )
    assert await sender.send("POST", "/auth/otp", {"password": sender.new()}, **otto) == 403
    setup = await sender.granted("/auth/otp", {"password": password}, **otto)
    code = pyotp.TOTP(setup["secret"]).now()
    codes = (await sender.granted("/auth/otp/confirm", {"otp": code}, **otto))["recovery_codes"]
    form = {"nickname": "otto", "password": password}
    await sender.granted("/auth/signin", form | {"otp": codes[0]})
    for otp in (codes[0], setup["secret"], sender.new()):
        assert await sender.send("POST", "/auth/signin", form | {"otp": otp}) in (401, 422)
    for otp, status in ((codes[0], 403), (codes[1], 204)):
        assert await sender.send("DELETE", "/auth/otp", {"password": password, "otp": otp}, **otto) == status
    for own, status in ((sender.new(), 403), (password, 204)):
        assert await sender.send("DELETE", "/auth/me", {"password": own}, **otto) == status


async def fail(sender: Sender, daemon: Daemon) -> None:
    """Send passwords to a daemon that cannot keep anything."""
    aside = daemon.data / "aside"
    (daemon.data / "users").rename(aside)
    assert await sender.send("POST", "/auth/signup", ANNA | {"nickname": "carl", "password": sender.new()}) == 503
    assert await sender.send("POST", "/auth/signup", BORIS | {"email": "c@d", "password": sender.new()}) == 503
    aside.rename(daemon.data / "users")


async def look(sender: Sender, daemon: Daemon) -> None:
    """Read what an administrator may read."""
    boss = bearer(daemon.admin_token())
    for path in (
        "/metrics",
        "/health",
        "/admin/auth-events?limit=200",
        "/admin/users",
        "/admin/log",
        "/admin/rejected",
    ):
        assert await sender.send("GET", path, **boss) == 200


def forms(secret: str) -> Iterator[bytes]:
    """Yield a secret as it may be written; of a token its signature alone would do too, of a code its letters."""
    yield from (secret.encode(), urllib.parse.quote(secret).encode(), base64.b64encode(secret.encode()))
    yield from (secret.rpartition(".")[2].encode(), secret.replace("-", "").encode())


def files(daemon: Daemon) -> Iterator[tuple[str, bytes]]:
    yield "stderr", daemon.stderr_file.read_bytes()
    for path in daemon.data.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(daemon.data)), path.read_bytes()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon.fresh(
        tmp_path / "house", FOOTFALL_LOGGING__LEVEL="debug", FOOTFALL_SERVER__BODY_BYTES_MAX=str(BODY_BYTES_MAX)
    ) as running:
        yield running


async def test_a14_no_password_and_no_token_is_told_or_kept(daemon: Daemon):
    async with aiohttp.ClientSession(daemon.url) as session:
        sender = Sender(daemon, session)
        anna = await sign_up_and_in(sender)
        await send_what_is_no_form(sender)
        await send_tokens(sender, anna)
        await change_passwords(sender, anna)
        await refresh(sender, anna)
        await use_a_second_factor(sender)
        await fail(sender, daemon)
        added = daemon.run("admin", "add", "dora", "--password-stdin", input=f"{sender.new()}\n")
        await look(sender, daemon)
    assert daemon.stop() == 0
    told = [("an answer", answer.encode()) for answer in [*sender.answers, added.stdout + added.stderr]]
    places = [*told, *files(daemon)]
    assert any(b"boris@example.org" in content for _, content in places), "what is kept is found"
    assert len(sender.secrets) > 40
    hits = [
        (place, secret)
        for secret in sender.secrets
        for place, content in places
        if any(form in content for form in forms(secret))
    ]
    assert hits == []
