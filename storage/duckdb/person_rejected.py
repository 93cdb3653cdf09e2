"""The rejected items that are a person's: what an export of the person shows, and what an erasure takes."""

from collections.abc import Iterator
from datetime import UTC

import msgspec

from storage.duckdb.receipts import Rows
from storage.duckdb.statement import statement
from storage.named import named_in, senders
from storage.query.erasure import Person

AT_ONCE = 1_000
"""Items in memory."""


def person_rejected(rows: Rows, person: Person) -> Iterator[bytes]:
    """Yield a line of JSON for each item: its receipt, code, time and what was sent."""
    meant = {person, *_visitors(rows, person)}
    position, offset = 0, -1
    while True:
        place = {"app_code": person.app_code, "position": position, "offset": offset, "limit": AT_ONCE}
        found = rows(statement("person_rejected"), place)
        for _, at, log_id, app_code, code, received_at, user_id, anonymous_id, sent in found:
            sender = [] if app_code is None else senders(app_code, user_id, anonymous_id)
            if not meant.isdisjoint([*sender, *named_in(sent, app_code)]):
                aware = received_at and received_at.replace(tzinfo=UTC)
                item = {"receipt": f"{log_id}:{at}", "code": code, "received_at": aware, "raw": sent}
                yield msgspec.json.encode(item) + b"\n"
        if len(found) < AT_ONCE:
            return
        position, offset = found[-1][:2]


def _visitors(rows: Rows, person: Person) -> list[Person]:
    if person.user_id is None:
        return []
    of = {"app_code": person.app_code, "user_id": person.user_id}
    return [Person(person.app_code, None, anonymous_id) for (anonymous_id,) in rows(statement("visitors_of"), of)]
