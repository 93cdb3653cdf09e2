"""`footfall apps`: applications, and what their owners and administrators do about one, without the UI."""

import argparse
from collections.abc import Sequence

from collector.wire.apps import AppPatch, Created, DefinitionShown
from console.accounts import time
from console.answers import escaped, json_line, read
from console.applications import (
    Application,
    change,
    create,
    define,
    defined,
    fields_of,
    listing,
    read_listing,
    remove,
    revoke,
    rotate,
    shown,
    undefine,
)
from console.client import Client
from console.errors import UsageError
from console.forms import printed
from console.report import Report
from console.state import Me
from console.table import Cell, fields

COLUMNS = ("app_code", "name", "owner", "mode", "visitors", "tokens", "events", "created")


async def apps(client: Client, arguments: argparse.Namespace) -> Report:
    """Return a list, one application, or what was done to one; raises as `Client.get` does, UsageError for a wrong name."""
    match arguments.action:
        case "ls":
            return await _list(client, arguments)
        case "create":
            return _created(await create(client, arguments.name), as_json=arguments.json)
    app = await app_named(client, arguments.app)
    match arguments.action:
        case "show":
            return await _show(client, app, as_json=arguments.json)
        case "rotate":
            return _created(await rotate(client, app.app_code), as_json=arguments.json)
        case _:
            return Report(f"{app.app_name}: {await _done(client, app, arguments)}\n")


async def app_named(client: Client, name: str) -> Application:
    """Return the one application of the app_code or name among those that may be seen."""
    me = read(await client.get("auth/me"), Me)
    found = read_listing(await listing(client, me.role), me.role).apps
    named = [one for one in found if one.app_code == name] or [one for one in found if one.app_name == name]
    if len(named) == 1:
        return named[0]
    if named:
        codes = ", ".join(one.app_code for one in named)
        raise UsageError(f"several applications are called {name!a}; say which by its app_code: {codes}")
    raise UsageError(f"no application is called {name!a}; `footfall apps ls` lists them")


async def event_named(client: Client, app: Application, name: str) -> DefinitionShown:
    """Return the definition of the event_code or name."""
    for one in await defined(client, app.app_code):
        if name in (one.event_code, one.name):
            return one
    raise UsageError(f"{app.app_name} has no event {name!a} defined; `footfall apps show` lists them")


async def _list(client: Client, arguments: argparse.Namespace) -> Report:
    me = read(await client.get("auth/me"), Me)
    raw = await listing(client, me.role)
    found = read_listing(raw, me.role)
    words = (f"only {found.counted} applications are shown",) if found.total > len(found.apps) else ()
    return Report(printed(arguments.form, raw, COLUMNS, [_row(one) for one in found.apps]), words)


def _row(app: Application) -> Sequence[Cell]:
    settings = (app.mode, app.visitors, app.tokens, app.definitions)
    return app.app_code, app.app_name, app.owner, *settings, time(app.created_at)


async def _show(client: Client, app: Application, *, as_json: bool) -> Report:
    if as_json:
        return Report(f"{escaped(await client.get(f'app/{app.app_code}'))}\n")
    found = await shown(client, app.app_code)
    return Report(fields(fields_of(found, await defined(client, app.app_code))))


def _created(made: Created, *, as_json: bool) -> Report:
    pairs = {"app_code": made.app_code, "api_token": made.api_token}
    return Report(f"{json_line(pairs)}\n" if as_json else fields(list(pairs.items())))


async def _done(client: Client, app: Application, arguments: argparse.Namespace) -> str:
    """Do it, and return in words what was done."""
    match arguments.action:
        case "revoke":
            return await _revoked(client, app, arguments.token)
        case "set":
            return await _set(client, app, arguments)
        case "define":
            code = (await define(client, app.app_code, arguments.event, arguments.attrs)).event_code
            return f"{arguments.event} is defined as {code}"
        case "undefine":
            event = await event_named(client, app, arguments.event)
            await undefine(client, app.app_code, event.event_code)
            return f"{event.name} is not defined any more"
        case _:
            await remove(client, app.app_code)
            return "deleted"


async def _revoked(client: Client, app: Application, token: str) -> str:
    for one in (await shown(client, app.app_code)).tokens:
        if token in (one.token_id, one.api_token):
            await revoke(client, app.app_code, one.token_id)
            return f"{one.token_id} is revoked"
    raise UsageError(f"{app.app_name} has no such token; `footfall apps show` lists them")


async def _set(client: Client, app: Application, arguments: argparse.Namespace) -> str:
    names = {"app_name": "name", "mode": "mode", "visitors": "visitors", "origins": "origins", "hostnames": "hostnames"}
    given = {member: value for member, name in names.items() if (value := getattr(arguments, name)) is not None}
    if not given:
        raise UsageError("say what to set: --name, --mode, --visitors, --origins or --hostnames")
    await change(client, app.app_code, AppPatch(**given))
    return f"{', '.join(given)} set"
