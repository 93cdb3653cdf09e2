"""What Explore shows: an application and an event of those that there are, and its pivot."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from collector.wire.apps import AttrType, DefinitionShown
from collector.wire.users import Role
from console.applications import Application, defined, listing, read_listing
from console.asks import Asks
from console.pivot import Pivot, PivotAsked, pivot, read_pivot

NO_APP = "there is no application yet: Admin, Apps makes one"
NOT_YOURS = "a pivot is for the application's owner and administrators; you own none"
NO_EVENT = "no event of it is defined yet: Admin, Apps, d defines one"
NO_ROWS = "no such event came in this period"

Thing = TypeVar("Thing")


class Chosen(NamedTuple):
    """What somebody chose; None leaves it to what there is: the first."""

    app_code: str | None = None
    event_code: str | None = None
    by: str | None = None
    summed: str | None = None


class Found(NamedTuple):
    """What there is to choose from and what of it is `chosen` and shown; where that is nothing, `nothing` says why."""

    apps: Sequence[Application] = ()
    app: Application | None = None
    definitions: Sequence[DefinitionShown] = ()
    definition: DefinitionShown | None = None
    chosen: Chosen = Chosen()
    pivot: Pivot | None = None
    nothing: str = ""

    @property
    def by(self) -> str | None:
        """The attr whose values are the columns; the daemon takes the first text where none is chosen."""
        return self.chosen.by or next(iter(self.attrs("string")), None)

    @property
    def summed(self) -> str | None:
        """The attr that is summed, in the same way; None where events are counted."""
        return self.chosen.summed or next(iter(self.attrs("integer")), None)

    @property
    def measure(self) -> str:
        """What the figures are."""
        return (f"sum of {self.summed}" if self.summed else "count") + (f" by {self.by}" if self.by else "")

    def attrs(self, kind: AttrType) -> list[str]:
        """Return the names of the event's attrs of a type."""
        return [one.name for one in self.definition.attrs if one.type == kind] if self.definition else []


async def explore(client: Asks, role: Role, chosen: Chosen, period: Mapping[str, str]) -> Found:
    """Return what there is for somebody of the role; raises as `Client.get` does."""
    apps = [one for one in read_listing(await listing(client, role), role).apps if not one.is_built_in]
    app = _same(apps, chosen.app_code, lambda one: one.app_code)
    if app is None:
        return Found(nothing=NO_APP if role == "admin" else NOT_YOURS)
    definitions = await defined(client, app.app_code)
    definition = _same(definitions, chosen.event_code, lambda one: one.event_code)
    if definition is None:
        return Found(apps, app, nothing=NO_EVENT)
    # Attrs that were chosen of an event that is gone mean nothing for another.
    attrs = chosen[2:] if chosen.event_code == definition.event_code else ()
    chosen = Chosen(app.app_code, definition.event_code, *attrs)
    asked = PivotAsked(app.app_code, definition.event_code, chosen.by, chosen.summed)
    answered = read_pivot(await pivot(client, asked, period))
    return Found(apps, app, definitions, definition, chosen, answered if answered.rows else None, NO_ROWS)


def _same(things: Sequence[Thing], key: str | None, key_of: Callable[[Thing], str]) -> Thing | None:
    """Return the thing of the key, else the first one."""
    return next((one for one in things if key_of(one) == key), things[0] if things else None)
