"""A small daemon that answers as the contract says, and the real command line against it."""

import asyncio
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web

from console.cli import main

ROOT = Path(__file__).parents[2]

LOG = {
    "log_id": "7-c0ffee",
    "accepting": True,
    "reason": None,
    "durable_offset": 41,
    "segment": 3,
    "segment_bytes": 9000,
    "unflushed_bytes": 0,
    "groups": 12,
    "duplicates": 2,
    "rejected": 1,
    "commit_p50_s": 0.0006,
    "commit_p99_s": None,
}
STORE = {
    "position": 17,
    "n_rows": 40,
    "n_rejected": 1,
    "n_duplicates": 2,
    "n_lost": 0,
    "door_duplicates": 2,
    "marked": {"bot": 3},
    "lines": 41,
    "loaded_at": "2026-11-20T10:00:00Z",
    "lag_bytes": 512,
    "lag_s": 0.5,
    "ended": {"lines": 0, "rejected": 0, "duplicates": 0},
    "alarms": [],
    "unreadable": [],
    "last_error": None,
    "checkpoint_at": None,
    "erasing": 0,
    "rebuild": None,
}
VERSION = {"server": {"version": "0.1.0", "commit": "abc1234", "build_date": "2026-11-01"}}
TOKEN = "e30.e30.c2ln"
REFRESH_TOKEN = "ffr1_c2ln"
DETAIL = {"status": "ok", "reasons": [], "log": LOG, "store": STORE}


class Daemon:
    """What it answers can be changed by path; what it was asked is kept."""

    def __init__(self):
        self.answers = {
            "/health": (200, {"status": "ok"}),
            "/ready": (200, {"status": "ready"}),
            "/version": (200, VERSION),
            "/stats/visits": (200, {"rows": [], "next": None}),
        }
        self.token = TOKEN
        self.otp = None
        self.asked = []
        self.url = ""

    def refuse(self, path, status, code, detail="no"):
        self.answers[path] = (status, {"title": "T", "status": status, "code": code, "detail": detail, "type": "x"})

    async def answer(self, request):
        self.asked.append((request.method, request.path, dict(request.query), request.headers.get("Authorization")))
        status, body = self.answers[request.path]
        if request.headers.get("Authorization", f"Bearer {self.token}") != f"Bearer {self.token}":
            status, body = 401, {"title": "T", "status": 401, "code": "invalid_token", "detail": "it has ended"}
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, content_type="text/html")
        if "Authorization" in request.headers and request.path == "/health" and status == 200:
            body = DETAIL | body
        kind = "application/problem+json" if status >= 400 else "application/json"
        response = web.json_response(body, status=status)
        response.content_type = kind
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        if status == 302:
            response.headers["Location"] = "/version"
        return response

    async def sign_in(self, request):
        body = await request.json()
        self.asked.append(("POST", request.path, body, request.headers.get("Authorization")))
        otp = body.pop("otp", None)
        if body != {"nickname": "ann", "password": "pass wörd"}:
            problem = {"title": "Unauthorized", "status": 401, "code": "credentials_wrong", "detail": "no such pair"}
            return web.json_response(problem, status=401)
        if otp != self.otp:
            code = "otp_required" if otp is None else "otp_invalid"
            return web.json_response({"title": "Unauthorized", "status": 401, "code": code, "detail": "no"}, status=401)
        return web.json_response(
            {
                "jwt_token": TOKEN,
                "refresh_token": REFRESH_TOKEN,
                "token_type": "Bearer",
                "expires_in": 900,
                "user": {"role": "admin"},
            }
        )


@pytest.fixture
async def daemon(aiohttp_server):
    found = Daemon()
    app = web.Application()
    app.router.add_post("/auth/signin", found.sign_in)
    app.router.add_get("/{path:.*}", found.answer)
    server = await aiohttp_server(app)
    found.url = str(server.make_url("/"))
    return found


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Nothing of the developer's own environment reaches a test."""
    for name in ("FOOTFALL_URL", "FOOTFALL_TOKEN", "FOOTFALL_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def footfall(capsys):
    """Run the command line; in a thread, since the daemon lives in this one's loop."""

    async def run(*argv):
        status = await asyncio.to_thread(main, [str(one) for one in argv])
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


@pytest.fixture
def footfall_process():
    """Run the command line as a process of its own."""

    async def run(*argv, stdin=b"", **environ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console", *(str(one) for one in argv)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | environ,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin), 30)
        return Ended(process.returncode, out.decode(), err.decode())

    return run
