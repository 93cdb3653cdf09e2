"""The arguments of the commands about applications: `footfall apps`, `footfall rejected` and `footfall pivot`."""

import argparse
from typing import get_args

from collector.wire.apps import AttrShape, Mode, VisitorMode
from console.admin_arguments import add_json, add_rows
from console.argument_types import receipt, told
from console.definitions import TYPES, typed
from console.forms import add_forms
from console.period import FORMS, period

ITEMS_MAX = 1000
"""Of rejected items: as many as the daemon lists at once."""


def add_apps(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add `apps` and what can be done to one."""
    actions = commands.add_parser("apps", help="list applications, make one, change or delete it").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    add_forms(actions.add_parser("ls", parents=[shared], help="list one's own; administrators see all"))
    create = actions.add_parser("create", parents=[shared], help="make one and print its api_token")
    create.add_argument("name", metavar="NAME", help="how it is called")
    add_json(create)
    add_json(_of_app(actions, "show", shared, "show one with its tokens and event definitions"))
    add_json(_of_app(actions, "rotate", shared, "print another api_token; the one before goes on until it is revoked"))
    revoke = _of_app(actions, "revoke", shared, "take nothing more with one of its api_tokens")
    revoke.add_argument("token", metavar="TOKEN", help="the api_token, or its id of `footfall apps show`")
    _add_settings(_of_app(actions, "set", shared, "change its settings"))
    define = _of_app(actions, "define", shared, "define an event, or repair its definition")
    define.add_argument("event", metavar="EVENT", help="the name of the event")
    words = f"one of its attrs; types are {', '.join(TYPES)}"
    define.add_argument("attrs", metavar="ATTR:TYPE", type=told(_attr), nargs="*", help=words)
    undefine = _of_app(actions, "undefine", shared, "remove the definition of an event")
    undefine.add_argument("event", metavar="EVENT", help="the name or event_code")
    remove = _of_app(actions, "rm", shared, "delete one with its tokens and definitions; its events stay")
    remove.add_argument("--yes", action="store_true", help="do not ask: it cannot be undone")


def add_rejected(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser
) -> None:
    """Add `rejected` and its actions."""
    actions = commands.add_parser("rejected", help="items that were kept aside because they are wrong")
    verbs = actions.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = verbs.add_parser("ls", parents=[shared], help="list them, last loaded first")
    listing.add_argument("--app", metavar="CODE", help="of this app_code only")
    listing.add_argument("--code", metavar="CODE", help="of this code only")
    add_rows(listing, ITEMS_MAX)
    add_forms(listing)
    show = verbs.add_parser("show", parents=[shared], help="show one, with what was sent")
    show.add_argument("receipt", metavar="RECEIPT", type=told(receipt))
    add_json(show)
    replay = verbs.add_parser("replay", parents=[shared], help="send them through the door again")
    replay.add_argument("receipts", metavar="RECEIPT", type=told(receipt), nargs="+")


def add_pivot(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add `pivot`."""
    pivot = commands.add_parser("pivot", parents=[shared], help="an application's event by user and value of an attr")
    pivot.add_argument("app", metavar="APP", help="a name or app_code")
    pivot.add_argument("event", metavar="EVENT", help="a name or event_code")
    pivot.add_argument("--by", metavar="ATTR", help="whose values are the columns (the first string)")
    pivot.add_argument("--sum", dest="summed", metavar="ATTR", help="what is summed (the first integer)")
    pivot.add_argument("--period", metavar="P", type=told(period), help=f"{FORMS}; default: everything")
    add_forms(pivot)


def _of_app(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    action: str,
    shared: argparse.ArgumentParser,
    words: str,
) -> argparse.ArgumentParser:
    added = actions.add_parser(action, parents=[shared], help=words)
    added.add_argument("app", metavar="APP", help="a name or app_code")
    return added


def _add_settings(target: argparse.ArgumentParser) -> None:
    target.add_argument("--name", metavar="NAME", help="how it is called")
    modes = "what becomes of events that break their definition: kept, kept and marked, rejected"
    target.add_argument("--mode", choices=get_args(Mode), help=modes)
    target.add_argument("--visitors", choices=get_args(VisitorMode), help="how visitors are known again")
    origins = "which pages may call it, with commas between; '' for none"
    target.add_argument("--origins", metavar="A,B", type=_names, help=origins)
    hostnames = "whose pages it is for, with commas between; '' for any"
    target.add_argument("--hostnames", metavar="A,B", type=_names, help=hostnames)


def _names(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _attr(text: str) -> AttrShape:
    return typed([text])[0]
