"""`footfall users`: who has an account, and what administrators do about one, without the UI."""

import argparse

from collector.wire.users import AdminUser, UsersAnswer
from console.accounts import (
    BLOCK,
    END_SECOND_FACTOR,
    END_SESSIONS,
    ERASE,
    UNBLOCK,
    Deed,
    change_role,
    do,
    fields_of,
    name_of,
    report,
    time,
)
from console.answers import escaped, read
from console.client import Client
from console.errors import UsageError
from console.report import Report
from console.table import fields, table

COLUMNS = ("user_id", "name", "role", "created", "last seen", "blocked")
PAGE_USERS = 200
"""Looked through at once for the user of a name."""

DEEDS = {"block": BLOCK, "unblock": UNBLOCK, "signout": END_SESSIONS, "otp-off": END_SECOND_FACTOR, "erase": ERASE}


async def users(client: Client, arguments: argparse.Namespace) -> Report:
    """Return a list, one user, or what was done to one; raises as `Client.get` does, UsageError for what is asked wrongly."""
    if arguments.action == "ls":
        return await _list(client, arguments)
    user = await _named(client, arguments.user)
    if arguments.action == "show":
        return await _show(client, user, as_json=arguments.json)
    deed = change_role(arguments.role) if arguments.action == "role" else DEEDS[arguments.action]
    return await _done(client, deed, user)


async def _list(client: Client, arguments: argparse.Namespace) -> Report:
    if arguments.inactive_days is not None and arguments.state != "inactive":
        raise UsageError("--inactive-days says what --state inactive means: give both")
    names = ("search", "role", "state", "inactive_days", "sort", "order")
    asked = {name: str(value) for name in names if (value := getattr(arguments, name)) is not None}
    raw = await client.get("admin/users", asked | {"limit": str(arguments.rows_max)})
    page = read(raw, UsersAnswer)
    left = page.total - len(page.users)
    words = (f"only {len(page.users)} of {page.total} users are shown: see -n",) if left else ()
    return Report(f"{escaped(raw)}\n" if arguments.json else table(COLUMNS, [_row(one) for one in page.users]), words)


def _row(user: AdminUser) -> list[str | None]:
    blocked = time(user.blocked_at) if user.blocked_at else None
    return [user.user_id, name_of(user), user.role, time(user.created_at), time(user.last_seen_at), blocked]


async def _show(client: Client, user: AdminUser, *, as_json: bool) -> Report:
    if as_json:
        return Report(f"{escaped(await client.get(f'admin/users/{user.user_id}'))}\n")
    return Report(fields(fields_of(await report(client, user.user_id))))


async def _done(client: Client, deed: Deed, user: AdminUser) -> Report:
    await do(client, deed, user.user_id)
    return Report(f"{name_of(user)}: {deed.done}\n")


async def _named(client: Client, name: str) -> AdminUser:
    """Return the one user whose nickname, e-mail or user_id it is; case is as good as another."""
    cursor: str | None = None
    while True:
        asked = {"search": name, "limit": str(PAGE_USERS)} | ({} if cursor is None else {"cursor": cursor})
        page = read(await client.get("admin/users", asked), UsersAnswer)
        for user in page.users:
            if name.casefold() in {one.casefold() for one in (user.nickname, user.email, user.user_id) if one}:
                return user
        cursor = page.next
        if cursor is None:
            raise UsageError(f"nobody is called {name!a}; `footfall users ls --search {name!a}` finds parts of names")
