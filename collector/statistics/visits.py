"""Pageviews as R3 counts them: single ones, by user, page and period, and a summary."""

import msgspec
from aiohttp import web

from collector.answers import json_answer
from collector.identity.caller import CALLER
from collector.statistics.scope import Scope
from collector.wire.problem import FieldError, QueryInvalid
from collector.wire.statistics import (
    BreakdownAnswer,
    By,
    SummaryAnswer,
    SummaryParameters,
    VisitsAnswer,
    VisitsParameters,
)
from storage.errors import QueryRefused
from storage.ports import EventStore
from storage.query.events import EventFilter
from storage.query.visits import BreakdownQuery, BreakdownRow, SummaryQuery, VisitsQuery


class VisitStatistics:
    """The handlers of GET /stats/visits and GET /stats/summary."""

    def __init__(self, store: EventStore, scope: Scope) -> None:
        self._store = store
        self._scope = scope

    async def visits(self, request: web.Request, parameters: VisitsParameters) -> web.Response:
        """Answer single pageviews, or with `by` their counts."""
        where = self._scope.events_of(parameters, request[CALLER])
        try:
            if parameters.by:
                return json_answer(await self._breakdown(parameters, parameters.by, where))
            return json_answer(await self._single(parameters, where))
        except QueryRefused as error:
            raise QueryInvalid([FieldError(f"?{error.field}", "wrong_value", str(error))]) from None

    async def summary(self, request: web.Request, parameters: SummaryParameters) -> web.Response:
        """Answer totals and popular pages."""
        where = self._scope.events_of(parameters, request[CALLER])
        summary = await self._store.summary(SummaryQuery(where=where, pages=parameters.limit))
        return json_answer(msgspec.convert(summary, SummaryAnswer, from_attributes=True))

    async def _single(self, parameters: VisitsParameters, where: EventFilter) -> VisitsAnswer:
        query = VisitsQuery(where=where, limit=parameters.limit, after=parameters.cursor)
        return msgspec.convert(await self._store.visits(query), VisitsAnswer, from_attributes=True)

    async def _breakdown(self, parameters: VisitsParameters, by: tuple[By, ...], where: EventFilter) -> BreakdownAnswer:
        query = BreakdownQuery(where=where, by=by, limit=parameters.limit, after=parameters.cursor)
        page = await self._store.breakdown(query)
        return BreakdownAnswer([_members(by, row) for row in page.rows], page.next)


def _members(by: tuple[str, ...], row: BreakdownRow) -> dict[str, str | int | None]:
    return {**dict(zip(by, row.keys, strict=True)), "visits": row.visits, "visitors": row.visitors}
