"""A daemon for the console's screens: POST /query and GET /live as the contract says, under a test's control."""

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import msgspec
from aiohttp import web

from collector.wire.live import LiveBatch, LiveEvent
from collector.wire.query import QueryAnswer, QueryBody, QueryMeta, QueryRow

NOW = datetime(2026, 11, 21, 10, 30, 20, tzinfo=UTC)
AGES = {
    "5m": timedelta(minutes=5),
    "30m": timedelta(minutes=30),
    "6h": timedelta(hours=6),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "365d": timedelta(days=365),
}
ALIVE_S = 2.0
"""A real daemon is never silent for longer, and the console takes silence for a break."""
PAGES = [("https://shop.example/", 900, 1500), ("https://shop.example/cart", 420, 611), (None, 12, 12)]
SOURCES = [(None, 800, 1010), ("search.example", 310, 400), ("news.example", 99, 120)]


def event(number=1, **members):
    return msgspec.convert(
        {
            "receipt": f"0000000001-a:{number}",
            "received_at": NOW,
            "app_code": "site",
            "event_id": f"00000000-0000-7000-8000-{number:012x}",
            "source_label": "pageview",
            "page_url": f"https://shop.example/{number}",
            "anonymous_id": "0b9c8f8e-3c1d-4f6a-9a57-2f3f0e3f8a11",
            **members,
        },
        LiveEvent,
    )


class Site:
    """What it answers can be changed; `asked` keeps the bodies of the queries."""

    def __init__(self):
        self.asked = []
        self.last_ids = []
        self.token = "e30.e30.c2ln"
        self.refresh_token = None
        self.refreshes = 0
        self.url = ""
        self.pages = PAGES
        self.sources = SOURCES
        self.value_of = lambda number: (number * 7) % 23
        self.empty = False
        self.refusal = None
        self.stream_refusal = None
        self.signed_in = []
        self.otp = None
        self.role = "admin"
        self._streams = set()

    @property
    def streams(self):
        return len(self._streams)

    def push(self, *events, **counts):
        """Send one message to everyone who listens."""
        counts = {"accepted": len(events), "skipped": 0, "rejected": 0, "duplicates": 0} | counts
        batch = msgspec.json.encode(LiveBatch(at=NOW, events=list(events), **counts))
        last = events[-1].receipt if events else ""
        self.send(b"id: %s\ndata: %s\n\n" % (last.encode(), batch))

    def send(self, raw):
        for stream in self._streams:
            stream.put_nowait(raw)

    def end_token(self):
        """Take no token any more but the one of the next refresh."""
        self.token = ""
        self.send(b'event: end\ndata: {"code":"invalid_token"}\n\n')

    def end_session(self):
        """Take no token any more but the one of the next sign-in."""
        self.refresh_token, self.token = None, ""
        self.send(b'event: end\ndata: {"code":"invalid_token"}\n\n')

    def end_streams(self):
        self.send(None)

    async def query(self, request):
        if self.refusal or request.headers.get("Authorization") != f"Bearer {self.token}":
            return problem(*(self.refusal or (401, "invalid_token")))
        body = msgspec.json.decode(await request.read(), type=QueryBody)
        self.asked.append(body)
        meta = QueryMeta(position=1, rows_scanned=9, elapsed_ms=1.0, from_time=NOW - AGES[body.range], to_time=NOW)
        answer = QueryAnswer(self._rows(body, meta), None, meta)
        return web.json_response(body=msgspec.json.encode(answer))

    def _rows(self, body, meta):
        if not body.dimensions:
            figures = [0, 0, 0, 0, None, None] if self.empty else [1310, 1530, 3404, 5123, 0.42, 187.5]
            before = [1000, 1530, 4000, 5000, 0.5, None] if body.compare else None
            return [QueryRow([], figures[: len(body.metrics)], before)]
        if self.empty:
            return []
        if body.dimensions[0] == "page":
            return [QueryRow([name], list(figures)) for name, *figures in self.pages]
        if body.dimensions[0] == "source":
            return [QueryRow([name], list(figures)) for name, *figures in self.sources]
        return [QueryRow([key], [self.value_of(at)]) for at, key in enumerate(_periods(body, meta))]

    async def live(self, request):
        if self.stream_refusal or request.headers.get("Authorization") != f"Bearer {self.token}":
            return problem(*(self.stream_refusal or (401, "invalid_token")))
        self.last_ids.append(request.headers.get("Last-Event-ID"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue = asyncio.Queue()
        self._streams.add(queue)
        try:
            while (raw := await _next(queue)) is not None:
                await response.write(raw)
        finally:
            self._streams.discard(queue)
        return response

    async def sign_in(self, request):
        body = await request.json()
        self.signed_in.append(body)
        if body["password"] != "pass wörd":
            return problem(401, "credentials_wrong")
        if body.get("otp") != self.otp:
            return problem(401, "otp_invalid" if "otp" in body else "otp_required")
        self.token = self.token or "e30.e30.bmV3"
        return web.json_response({"jwt_token": self.token, "expires_in": 900})

    async def refresh(self, request):
        if self.refresh_token is None or request.headers.get("Authorization") != f"Bearer {self.refresh_token}":
            return problem(401, "session_expired")
        self.refreshes += 1
        self.token, self.refresh_token = f"e30.e30.{self.refreshes}", f"ffr1_{self.refreshes}"
        return web.json_response(
            {"jwt_token": self.token, "refresh_token": self.refresh_token, "expires_in": 900, "token_type": "Bearer"}
        )

    async def me(self, request):
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return problem(401, "invalid_token")
        return web.json_response({"user_id": "00", "role": self.role, "nickname": "boss"})

    def app(self):
        app = web.Application()
        app.router.add_post("/query", self.query)
        app.router.add_get("/live", self.live)
        app.router.add_get("/auth/me", self.me)
        app.router.add_post("/auth/signin", self.sign_in)
        app.router.add_post("/auth/refresh", self.refresh)
        return app


async def _next(queue):
    try:
        return await asyncio.wait_for(queue.get(), ALIVE_S)
    except TimeoutError:
        return b": alive\n\n"


def _periods(body, meta):
    step = {"time:minute": timedelta(minutes=1), "time:hour": timedelta(hours=1), "time:day": timedelta(days=1)}[
        body.dimensions[0]
    ]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    at = epoch + (meta.from_time - epoch) // step * step
    while at < meta.to_time:
        yield f"{at:%Y-%m-%d}" if step == timedelta(days=1) else f"{at:%Y-%m-%dT%H:%M:%SZ}"
        at += step


def problem(status, code):
    body = {"type": "about:blank", "title": "T", "status": status, "code": code, "detail": "the daemon says no"}
    headers = {"Content-Type": "application/problem+json"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return web.Response(status=status, body=msgspec.json.encode(body), headers=headers)
