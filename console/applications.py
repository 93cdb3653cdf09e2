"""What is asked about applications, and what is done to one: by its owner, or by administrators to any."""

from datetime import datetime
from typing import NamedTuple

from collector.wire.apps import (
    AdminApp,
    AdminAppsAnswer,
    AppPatch,
    AppsAnswer,
    AppShown,
    AttrShape,
    CreateBody,
    Created,
    DefineBody,
    Defined,
    DefinitionsAnswer,
    DefinitionShown,
    EventShape,
    Mode,
    VisitorMode,
)
from collector.wire.users import Role
from console.accounts import time
from console.answers import read
from console.asks import Asks
from console.definitions import line

BUILT_IN = "site"

OWN = "(you)"
"""The owner of an application that is listed to its owner, who needs no name."""


class Application(NamedTuple):
    """An application as a list shows it.

    `definitions` are None where the list does not count them, `created_at` of the built-in one, which always was.
    """

    app_code: str
    app_name: str
    owner: str | None
    mode: Mode
    visitors: VisitorMode
    tokens: int
    definitions: int | None
    created_at: datetime | None

    @property
    def is_built_in(self) -> bool:
        """Whether it is the application of the site itself, which is set up by settings and has no token."""
        return self.app_code == BUILT_IN


class Listing(NamedTuple):
    """Applications, the built-in one first where it is there; `total` of them."""

    apps: list[Application]
    total: int

    @property
    def counted(self) -> str:
        """How many there are, and of how many where some are left out."""
        return f"{len(self.apps)}" + (f" of {self.total}" if self.total > len(self.apps) else "")


async def listing(client: Asks, role: Role, search: str = "") -> bytes:
    """Return the list of those whose settings and pivots somebody of the role may read: an administrator all, else the own.

    An administrator may search for a part of a name, an app_code, or an owner's user_id. Raises as `Client.get` does.
    """
    if role == "admin":
        return await client.get("admin/apps", {"search": search} if search else {})
    return await client.get("app", {})


def read_listing(raw: bytes, role: Role) -> Listing:
    """Return what such a list holds."""
    if role == "admin":
        found = read(raw, AdminAppsAnswer)
        return Listing([_of_admin(one) for one in found.apps], found.total)
    apps = [_of_owner(one) for one in read(raw, AppsAnswer).apps]
    return Listing(apps, len(apps))


async def shown(client: Asks, app_code: str) -> AppShown:
    """Return one with its tokens; raises as `Client.get` does."""
    return read(await client.get(f"app/{app_code}", {}), AppShown)


async def defined(client: Asks, app_code: str) -> list[DefinitionShown]:
    """Return its event definitions; raises as `Client.get` does."""
    return read(await client.get(f"app/{app_code}/events", {}), DefinitionsAnswer).events


async def create(client: Asks, app_name: str) -> Created:
    """Make an application of one's own; raises as `Client.post` does."""
    return read(await client.post("app/create", CreateBody(app_name)), Created)


async def rotate(client: Asks, app_code: str) -> Created:
    """Give it another api_token beside the one it has; raises as `Client.post` does."""
    return read(await client.post(f"app/{app_code}/token/rotate"), Created)


async def revoke(client: Asks, app_code: str, token_id: str) -> None:
    """Have nothing taken any more with one of its api_tokens; raises as `Client.send` does."""
    await client.send("DELETE", f"app/{app_code}/token/{token_id}")


async def change(client: Asks, app_code: str, patch: AppPatch) -> None:
    """Set what the patch holds; raises as `Client.send` does."""
    held = {name: value for name in patch.__struct_fields__ if (value := getattr(patch, name)) is not None}
    await client.send("PATCH", f"app/{app_code}", held)


async def remove(client: Asks, app_code: str) -> None:
    """Remove it with its tokens and definitions; its events stay. Raises as `Client.send` does."""
    await client.send("DELETE", f"app/{app_code}")


async def define(client: Asks, app_code: str, name: str, attrs: list[AttrShape]) -> Defined:
    """Define an event, or repair the definition of that name; raises as `Client.post` does."""
    body = DefineBody([EventShape(name, attrs)])
    return read(await client.post(f"app/create_event/{app_code}", body), Defined)


async def undefine(client: Asks, app_code: str, event_code: str) -> None:
    """Remove an event definition; raises as `Client.send` does."""
    await client.send("DELETE", f"app/{app_code}/events/{event_code}")


def fields_of(app: AppShown, definitions: list[DefinitionShown]) -> list[tuple[str, str]]:
    """Return the whole of an application, name by name."""
    return [
        *(("app_code", app.app_code), ("name", app.app_name), ("created", time(app.created_at))),
        *(("mode", app.mode), ("visitors", app.visitors)),
        ("origins", " ".join(app.origins) or "none: no page may call from another origin"),
        ("hostnames", " ".join(app.hostnames) or "any"),
        *(("api_token", f"{one.api_token}  since {time(one.created_at)}  {one.token_id}") for one in app.tokens),
        *(("event", f"{one.name}  {line(one.attrs)}".rstrip()) for one in definitions),
    ]


def _of_admin(app: AdminApp) -> Application:
    return Application(
        *(app.app_code, app.app_name, app.owner or app.owner_id, app.mode, app.visitors),
        *(app.tokens, app.definitions, None if app.app_code == BUILT_IN else app.created_at),
    )


def _of_owner(app: AppShown) -> Application:
    return Application(
        *(app.app_code, app.app_name, OWN, app.mode, app.visitors, len(app.tokens), None, app.created_at)
    )
