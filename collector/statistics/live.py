"""GET /live: what becomes durable, as server-sent events (WHATWG HTML, section 9.2), from one watcher for all readers."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import msgspec
import structlog
from aiohttp import hdrs, web

from collector.answers import HEADERS
from collector.identity.caller import AccessError, Authenticate, RoleInsufficient
from collector.routes import Answer, Route
from collector.wire.live import SHUTDOWN, LiveBatch, LiveEnd, LiveEvent
from storage.ports import EventLog, LogTail, Tail, TailEvent

log = structlog.get_logger()

RESUME_EVENTS_MAX = 1000
"""Events that the first message behind a Last-Event-ID shows."""
HEARTBEAT_S = 2.0
"""After so long without news an empty message says that the stream is alive."""
WRITE_TIMEOUT_S = 30.0
"""A reader that takes nothing for so long is dropped."""
RETRY_MS = 1000
"""What a browser is told to wait before it connects again."""

STREAM_TYPE = "text/event-stream"
STREAM_HEADERS = {**HEADERS, "Content-Type": STREAM_TYPE, "X-Accel-Buffering": "no"}
"""The last one keeps a reverse proxy from holding messages back."""


class LiveFull(Exception):
    """There are `live.readers_max` readers already (503)."""

    code = "live_full"


class _Seen(NamedTuple):
    """How much of the log went by since the watcher began."""

    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0

    def __sub__(self, earlier: "_Seen") -> "_Seen":
        return _Seen(*(now - before for now, before in zip(self, earlier, strict=True)))


class Live:
    """The watcher of the log, which reads only while somebody listens, and the handler of its readers."""

    def __init__(
        self,
        source: EventLog,
        tail: LogTail,
        authenticate: Authenticate,
        clock: Callable[[], datetime],
        *,
        readers_max: int,
        events_max: int,
        interval_s: float,
    ) -> None:
        self._log = source
        self._tail = tail
        self._authenticate = authenticate
        self._clock = clock
        self._readers_max = readers_max
        self._events_max = events_max
        self._interval_s = interval_s
        self._readers = 0
        self._watched = asyncio.Event()
        self._news = asyncio.Event()
        self._stopping = False
        # Only one thread at a time moves the tail; who holds this sees `_seen` and the tail at the same place.
        self._reading = asyncio.Lock()
        self._seen = _Seen()
        self._receipt = ""
        self._newest: deque[tuple[int, LiveEvent]] = deque(maxlen=events_max)
        # Readers at the same place get the same bytes.
        self._encoded: dict[_Seen, bytes] = {}

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [Route("GET", "/live", self.stream, "analyst", {200: Answer(media=STREAM_TYPE)})]

    async def watch(self) -> None:
        """Read what is new every `interval_s` while there are readers, for ever."""
        while True:
            await self._watched.wait()
            try:
                async with self._reading:
                    await self._advance()
            except OSError as error:
                log.warning("live_unreadable", reason=str(error))
            await asyncio.sleep(self._interval_s)

    async def stop(self, _: web.Application) -> None:
        """End every stream, so that none holds up the daemon's stop."""
        self._stopping = True
        self._tell()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send what becomes durable as server-sent events until the reader, its session or the daemon ends."""
        if request.method == hdrs.METH_HEAD:
            return web.Response(headers=STREAM_HEADERS)
        if self._readers >= self._readers_max:
            raise LiveFull(f"there are {self._readers_max} readers already")
        self._readers += 1
        self._watched.set()
        try:
            first, seen = await self._first(request.headers.get("Last-Event-ID", ""))
            answer = web.StreamResponse(headers=STREAM_HEADERS)
            await answer.prepare(request)
            await self._pour(request, answer, b"retry: %d\n\n%b" % (RETRY_MS, first), seen)
        finally:
            self._readers -= 1
            if not self._readers:
                self._watched.clear()
        return answer

    async def _pour(self, request: web.Request, answer: web.StreamResponse, message: bytes, seen: _Seen) -> None:
        try:
            while True:
                async with asyncio.timeout(WRITE_TIMEOUT_S):
                    await answer.write(message)
                if (end := await self._ended(request)) is not None:
                    await answer.write(end)
                    return
                message, seen = await self._next(seen)
        except TimeoutError:
            log.info("live_reader_dropped", silent_s=WRITE_TIMEOUT_S)
            if request.transport is not None:
                request.transport.abort()
        except ConnectionResetError:
            return

    async def _next(self, seen: _Seen) -> tuple[bytes, _Seen]:
        news = self._news
        if self._seen == seen:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await news.wait()
            except TimeoutError:
                pass
        else:
            # It was slow: at most one message an interval all the same.
            await asyncio.sleep(self._interval_s)
        return self._message(seen), self._seen

    async def _ended(self, request: web.Request) -> bytes | None:
        if self._stopping:
            return _end(SHUTDOWN)
        try:
            caller = await self._authenticate(request)
            if caller is None or not caller.reads_everyone:
                raise RoleInsufficient
        except AccessError as error:
            return _end(error.code)
        return None

    async def _first(self, last_id: str) -> tuple[bytes, _Seen]:
        async with self._reading:
            await self._advance()
            missed = None
            if last_id:
                missed = await asyncio.to_thread(self._tail.since, last_id, events_max=RESUME_EVENTS_MAX)
            if missed is None:
                shown = [event for _, event in self._newest]
                return self._encode(_Seen(), shown, skipped=0), self._seen
            counted = _Seen(missed.accepted, missed.rejected, missed.duplicates)
            events = [_live(one) for one in missed.events]
            return self._encode(counted, events, skipped=missed.accepted - len(events)), self._seen

    async def _advance(self) -> None:
        durable_offset = self._log.health().durable_offset
        self._add(await asyncio.to_thread(self._tail.advance, durable_offset, events_max=self._events_max))

    def _add(self, tail: Tail) -> None:
        before = self._seen
        self._receipt = tail.receipt
        self._seen = _Seen(
            before.accepted + tail.accepted, before.rejected + tail.rejected, before.duplicates + tail.duplicates
        )
        first = self._seen.accepted - len(tail.events) + 1
        self._newest.extend((first + place, _live(one)) for place, one in enumerate(tail.events))
        if self._seen != before:
            self._encoded.clear()
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _message(self, seen: _Seen) -> bytes:
        """Return what is new for a reader that has `seen` so much; nothing new is a message too."""
        known = self._encoded.get(seen)
        if known is None or seen == self._seen:
            new = self._seen - seen
            events = [event for number, event in self._newest if number > seen.accepted]
            known = self._encoded[seen] = self._encode(new, events, skipped=new.accepted - len(events))
        return known

    def _encode(self, counted: _Seen, events: list[LiveEvent], *, skipped: int) -> bytes:
        batch = LiveBatch(at=self._clock(), events=events, skipped=skipped, **counted._asdict())
        return b"id: %b\ndata: %b\n\n" % (self._receipt.encode("ascii"), msgspec.json.encode(batch))


def _end(code: str) -> bytes:
    return b"event: end\ndata: %b\n\n" % msgspec.json.encode(LiveEnd(code))


def _live(one: TailEvent) -> LiveEvent:
    event = one.event
    return LiveEvent(
        receipt=one.receipt,
        received_at=event.received_at,
        app_code=event.app_code,
        event_id=event.event_id,
        source_label=event.source_label,
        id_user=event.user_id,
        anonymous_id=event.anonymous_id,
        date_created=event.occurred_at,
        sent_at=event.sent_at,
        page_url=event.page_url,
        referrer=event.referrer,
        title=event.title,
        attrs=event.attrs,
        country=event.country,
        filtered=event.filtered,
        signal=event.signal,
        violation=event.violation,
    )
