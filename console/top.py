"""`footfall top`: pageviews and visitors by one dimension."""

from collections.abc import Mapping

import msgspec

from console.answers import escaped, read
from console.client import Client
from console.errors import AnswerUnreadable
from console.report import Report
from console.table import Cell, table

COUNTS = ("visits", "visitors")


class _Page(msgspec.Struct, frozen=True):
    rows: list[dict[str, Cell]]
    next: str | None


async def top(client: Client, dimension: str, where: Mapping[str, str], *, rows_max: int, as_json: bool) -> Report:
    """Return at most `rows_max` rows; `where` holds further parameters of GET /stats/visits.

    Periods come in their order, other dimensions with most visits first. Raises as `Client.get` does.
    """
    raw = await client.get("stats/visits", {**where, "by": dimension, "limit": str(rows_max)})
    page = read(raw, _Page)
    words = () if page.next is None else (f"only {len(page.rows)} rows are shown, there are more: see -n",)
    columns = (dimension, *COUNTS)
    return Report(f"{escaped(raw)}\n" if as_json else table(columns, _cells(page, columns)), words)


def _cells(page: _Page, columns: tuple[str, ...]) -> list[list[Cell]]:
    try:
        return [[row[column] for column in columns] for row in page.rows]
    except KeyError as error:
        raise AnswerUnreadable(f"the daemon answered rows without {error}; is it of another version?") from None
