"""GET /analytics/{app_code}/{event_code}: R1's pivot of an event, a row for each user."""

from aiohttp import web

from collector.answers import json_answer
from collector.applications.errors import DefinitionUnknown
from collector.applications.readers import Readers
from collector.routes import Answer, QueryString, Route, Taking
from collector.wire.pivot import PIVOT_USERS_MAX, PIVOT_VALUES_MAX, TOTAL, USER_CODE, PivotParameters, column
from collector.wire.problem import FieldError, QueryInvalid
from storage.app import App, AttrType, EventDefinition, by_label
from storage.ports import EventStore
from storage.query.pivot import Pivot, PivotQuery

PIVOT = QueryString(PivotParameters)

Row = dict[str, str | int | None]


class PivotStatistics:
    """The handler of the pivot."""

    def __init__(self, store: EventStore, readers: Readers) -> None:
        self._store = store
        self._readers = readers

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        shown = Taking(PIVOT, self.pivot)
        return [Route("GET", "/analytics/{app_code}/{event_code}", shown, "reader", {200: Answer(list)})]

    async def pivot(self, request: web.Request, asked: PivotParameters) -> web.Response:
        """Answer the totals of an event, a row for each user with the values of an attr as its members."""
        app = await self._readers.app_of(request, request.match_info["app_code"], "analytics")
        definition = _definition(app, request.match_info["event_code"])
        by = _attr(definition, asked.by, "string", "by")
        query = PivotQuery(
            app_code=app.app_code,
            labels=tuple(label for label, one in by_label(app.definitions).items() if one is definition),
            by=by,
            sum=_attr(definition, asked.sum, "integer", "sum"),
            from_time=asked.from_time,
            to_time=asked.to_time,
            users_max=PIVOT_USERS_MAX,
            values_max=PIVOT_VALUES_MAX,
        )
        found = await self._store.pivot(query)
        rows = _rows(found, [TOTAL] if by is None else [column(value) for value in found.values])
        return json_answer(rows, headers=_left_out(found, len(rows)))


def _definition(app: App, event_code: str) -> EventDefinition:
    found = next((one for one in app.definitions if one.event_code == event_code), None)
    if found is None:
        raise DefinitionUnknown
    return found


def _attr(definition: EventDefinition, asked: str | None, kind: AttrType, parameter: str) -> str | None:
    """Return the attr that was asked for, else the first of the type, None where there is none."""
    names = [one.name for one in definition.attrs if one.type == kind]
    if asked is None:
        return names[0] if names else None
    if asked not in names:
        raise QueryInvalid([FieldError(f"?{parameter}", "wrong_value", f"the event has no {kind} attr of this name")])
    return asked


def _rows(found: Pivot, columns: list[str]) -> list[Row]:
    rows: dict[str | None, Row] = {}
    for cell in found.cells:
        if cell.user_id not in rows:
            rows[cell.user_id] = {USER_CODE: cell.user_id, **dict.fromkeys(columns, 0)}
        rows[cell.user_id][columns[cell.column]] = cell.total
    return list(rows.values())


def _left_out(found: Pivot, users: int) -> dict[str, str]:
    """Return the headers that say how much more there is; R1's rows have no place for it."""
    left_out = {"X-Users-Left-Out": found.users - users, "X-Values-Left-Out": found.n_values - len(found.values)}
    return {name: str(count) for name, count in left_out.items() if count}
