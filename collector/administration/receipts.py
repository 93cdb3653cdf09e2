"""GET /admin/receipts/{receipt}: what became of one item."""

import asyncio

from aiohttp import web

from collector.answers import json_answer
from collector.routes import Answer, Route
from collector.wire.receipt import ReceiptReport, read_receipt
from storage.ports import DiskSurvey, EventLog, EventStore
from storage.query.receipts import ReceiptQuery


class Receipts:
    """Looks receipts up in the store, and what it has not taken in the log."""

    def __init__(self, log: EventLog, store: EventStore, disk: DiskSurvey) -> None:
        self._log = log
        self._store = store
        self._disk = disk

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        answers = {200: Answer(ReceiptReport)}
        return [Route("GET", "/admin/receipts/{receipt}", self.receipt, "admin", answers)]

    async def receipt(self, request: web.Request) -> web.Response:
        """Answer whether an item is pending, stored, a duplicate, rejected or lost, or the receipt unknown."""
        log_id, offset = read_receipt(request.match_info["receipt"])
        return json_answer(await self.report(log_id, offset))

    async def report(self, log_id: str, offset: int) -> ReceiptReport:
        """Return what became of a line."""
        receipt = f"{log_id}:{offset}"
        answer = await self._store.receipt(ReceiptQuery(log_id, offset))
        if answer.status != "unloaded":
            return ReceiptReport(
                receipt=receipt, status=answer.status, position=answer.position, first=answer.first, code=answer.code
            )
        is_pending = await self._was_given(log_id, offset)
        return ReceiptReport(receipt=receipt, status="pending" if is_pending else "unknown")

    async def _was_given(self, log_id: str, offset: int) -> bool:
        """Return whether a log that the store has not taken so far has this offset."""
        log = self._log.health()
        if log_id == log.log_id:
            return offset <= log.durable_offset
        return offset < await asyncio.to_thread(self._disk.lines_of, log_id)
