"""Segment's HTTP tracking API: its clients work unchanged, with an api_token for their write key."""

import base64
import binascii
from collections.abc import Sequence

import msgspec
from aiohttp import hdrs, web

from collector.answers import json_answer
from collector.routes import Answer, Route, Taking
from collector.tracking.batch import Batch, check_count
from collector.tracking.bodies import TrackingBody
from collector.tracking.context import UNTOLD, USER_AGENT_MAX
from collector.tracking.intake import Intake
from collector.tracking.senders import Senders
from collector.tracking.visitor import Visitor
from collector.wire import segment as wire
from collector.wire.body import decode
from collector.wire.problem import BodyInvalid, BodyTooLarge
from collector.wire.segment_action import action_of
from collector.wire.segment_context import CallContexts

CONTEXTS_BYTES_MAX = 4 << 20
"""Bytes that the context of a batch may come to, once for each of its calls: a small body must not fill the log."""

ONE = TrackingBody(bytes, wire.Call, is_open=True)
SEVERAL = TrackingBody(bytes, wire.CallBatch, is_open=True)
TAKEN = {200: Answer(wire.Success)}


class Segment:
    """The handlers of Segment's API; 200 means that every call is on the disk: as an event, or as a rejected item."""

    def __init__(self, intake: Intake, senders: Senders) -> None:
        self._intake = intake
        self._senders = senders

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("POST", "/v1/batch", Taking(SEVERAL, self.batch), "anyone", TAKEN),
            Route("POST", "/v1/b", Taking(SEVERAL, self.batch), "anyone", TAKEN),
            Route("POST", "/v1/{call}", Taking(ONE, self.call), "anyone", TAKEN),
        ]

    async def batch(self, request: web.Request, raw: bytes) -> web.Response:
        """Take calls of Segment's API; those that are wrong are kept as rejected items."""
        return await self._keep(await self._batch(request, _read(raw), raw))

    async def call(self, request: web.Request, raw: bytes) -> web.Response:
        """Take one call of Segment's API: identify, track, page, screen, group or alias, or its first letter."""
        kind = wire.CALLS.get(request.match_info["call"])
        if kind is None:
            raise web.HTTPNotFound
        sent = wire.Batch(batch=[msgspec.Raw(raw)], write_key=decode(raw, wire.keyed).write_key)
        return await self._keep(await self._batch(request, sent, raw, kind))

    async def _batch(self, request: web.Request, sent: wire.Sent, raw: bytes, kind: str | None = None) -> Batch:
        check_count(len(sent.batch))
        _check_context(sent)
        visitor = await self._senders.of(request, _basic_user(request) or sent.write_key)
        if hdrs.ORIGIN not in request.headers:
            # A server calls for others: what its own request tells is nobody's.
            visitor.context = UNTOLD
        # The answer says nothing of repeats; to look for them here would be a fifth of the work.
        batch = self._intake.batch(visitor, tells_repeats=False)
        _fill(batch, visitor, sent, raw, kind)
        return batch

    async def _keep(self, batch: Batch) -> web.Response:
        """Answer once it is durable; the calls that it was made of are not held meanwhile, for they are the most of it."""
        await self._intake.keep(batch)
        return json_answer(wire.SUCCESS)


def _check_context(sent: wire.Sent) -> None:
    """Raise BodyTooLarge where what the calls share is too much for so many."""
    size = len(sent.batch) * len(msgspec.json.encode(sent.context)) if sent.context else 0
    if size > CONTEXTS_BYTES_MAX:
        message = f"the context of the batch has {size} bytes for its calls, the limit is {CONTEXTS_BYTES_MAX}"
        raise BodyTooLarge(message)


def _read(raw: bytes) -> wire.Sent:
    try:
        return decode(raw, wire.batch_of_calls)
    except BodyInvalid:
        return decode(raw, wire.batch_of_raws)


def _fill(batch: Batch, visitor: Visitor, sent: wire.Sent, raw: bytes, kind: str | None) -> None:
    """Take every call of a body; of one that is wrong the first bytes of what was sent are kept."""
    told, contexts = visitor.context, CallContexts(sent.context)
    calls: Sequence[wire.Call | msgspec.Raw] = sent.batch
    raws: Sequence[msgspec.Raw] = []
    for index, one in enumerate(calls):
        try:
            call = wire.read_call(one) if isinstance(one, msgspec.Raw) else one
            context = contexts.of(call.context)
            item = action_of(call, kind or call.type, context, sent.sent_at)
            agent = context.user_agent
            visitor.context = told if agent is None else told._replace(user_agent=agent[:USER_AGENT_MAX])
            batch.take(item)
        except (BodyInvalid, BodyTooLarge) as error:
            if not isinstance(one, msgspec.Raw):
                raws = raws or decode(raw, wire.batch_of_raws).batch
            batch.reject(error, wire.without_address(one if isinstance(one, msgspec.Raw) else raws[index]))


def _basic_user(request: web.Request) -> str | None:
    """Return the user name of HTTP Basic (RFC 7617), which is the write key; the password is not looked at."""
    scheme, _, credentials = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, _ = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return credentials  # whatever it is, it is no key of ours
    return user
