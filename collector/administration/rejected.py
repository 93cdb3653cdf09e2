"""GET /admin/rejected: what was kept aside, and why; one item of it, and its replay."""

import http

import msgspec
from aiohttp import web

from collector.answers import json_answer
from collector.routes import Answer, Bodyless, QueryString, Route, Taking
from collector.tracking.replay import Replay
from collector.wire.problem import BodyInvalid, FieldError, QueryInvalid, RequestError
from collector.wire.receipt import read_receipt
from collector.wire.rejected import (
    Refusal,
    RejectedAnswer,
    RejectedItem,
    RejectedParameters,
    RejectedReport,
    ReplayedPage,
)
from collector.wire.tracking import Accepted
from storage.errors import QueryRefused
from storage.ports import EventStore
from storage.query.rejected import RejectedQuery, RejectedRawQuery, RejectedRow

REJECTED = QueryString(RejectedParameters)


class RejectedUnknown(RequestError):
    """No rejected item has this receipt (404)."""

    code = "rejected_unknown"


class Rejected:
    """Reads rejected items from the store, and replays them."""

    def __init__(self, store: EventStore, replay: Replay) -> None:
        self._store = store
        self._replay = replay

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        listed, shown, replayed = Answer(RejectedAnswer), Answer(RejectedReport), Answer(Accepted)
        replay, page = Bodyless(self.replayed), Answer(ReplayedPage)
        return [
            Route("GET", "/admin/rejected", Taking(REJECTED, self.rejected), "admin", {200: listed}),
            Route("GET", "/admin/rejected/{receipt}", self.report, "admin", {200: shown}),
            Route("POST", "/admin/rejected/{receipt}/replay", replay, "admin", {202: replayed}),
            Route("POST", "/admin/rejected/replay", Taking(REJECTED, self.replayed_page), "admin", {202: page}),
        ]

    async def rejected(self, _request: web.Request, asked: RejectedParameters) -> web.Response:
        """List rejected items, of an application, of a code or all, last loaded first."""
        return json_answer(await self.page(asked))

    async def report(self, request: web.Request) -> web.Response:
        """Show one rejected item with what was sent."""
        row, raw = await self.kept(request.match_info["receipt"])
        item = msgspec.convert(row, RejectedItem, from_attributes=True)
        return json_answer(RejectedReport(item=item, raw=None if raw is None else raw.decode(errors="replace")))

    async def replayed(self, request: web.Request) -> web.Response:
        """Send a rejected item through the door again; it stays listed, and a second replay becomes a duplicate."""
        return json_answer(await self.replay(request.match_info["receipt"]), http.HTTPStatus.ACCEPTED)

    async def replayed_page(self, _request: web.Request, asked: RejectedParameters) -> web.Response:
        """Send a page of the list through the door again; what is replayed twice becomes a duplicate."""
        page = await self.page(asked)
        refused = []
        for item in page.rows:
            try:
                await self.replay(item.receipt)
            except RequestError as error:
                refused.append(_refusal(item.receipt, error))
        answer = ReplayedPage(len(page.rows) - len(refused), refused, page.next)
        return json_answer(answer, http.HTTPStatus.ACCEPTED)

    async def page(self, asked: RejectedParameters) -> RejectedAnswer:
        """Return a page of items, last loaded first; its `next` is the `cursor` of the page behind it."""
        query = RejectedQuery(limit=asked.limit, app_code=asked.app_code, code=asked.code, after=asked.cursor)
        try:
            page = await self._store.rejected(query)
        except QueryRefused as error:
            raise QueryInvalid([FieldError(f"?{error.field}", "wrong_value", str(error))]) from None
        return msgspec.convert(page, RejectedAnswer, from_attributes=True)

    async def kept(self, receipt: str) -> tuple[RejectedRow, bytes | None]:
        """Return one item and what is kept of its bytes; QueryInvalid for no receipt, RejectedUnknown for another's."""
        found = await self._store.rejected_raw(RejectedRawQuery(*read_receipt(receipt)))
        if found.item is None:
            raise RejectedUnknown("no rejected item has this receipt")
        return found.item, found.raw

    async def replay(self, receipt: str) -> Accepted:
        """Send an item through the door again; errors as of `kept` and `Replay.replay`."""
        return await self._replay.replay(*await self.kept(receipt))


def _refusal(receipt: str, error: RequestError) -> Refusal:
    code = error.errors[0].code if isinstance(error, BodyInvalid) else error.code
    return Refusal(receipt, code, str(error))
