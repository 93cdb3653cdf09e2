"""The arguments of the commands for administrators: `footfall users` and `footfall audit`."""

import argparse
from typing import get_args

from collector.wire.audit import AUTH_EVENTS_LIMIT_MAX, Outcome
from collector.wire.users import INACTIVE_DAYS_MAX, USERS_LIMIT_MAX, Role, UserSort, UserState
from console.argument_types import number

ROWS = 20


def add_users(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add `users` and what can be done to one."""
    actions = commands.add_parser("users", help="list users, look at one, change or erase it").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    listing = actions.add_parser("ls", parents=[shared], help="list them, those seen last first")
    listing.add_argument("--search", metavar="TEXT", help="a part of the nickname or e-mail")
    listing.add_argument("--role", choices=get_args(Role), help="of this role only")
    listing.add_argument("--state", choices=get_args(UserState), help="in this state only")
    listing.add_argument(
        "--inactive-days", metavar="N", type=number(INACTIVE_DAYS_MAX), help="days not seen, of --state inactive (90)"
    )
    listing.add_argument("--sort", choices=get_args(UserSort), help="last_seen unless told")
    listing.add_argument(
        "--order", choices=("asc", "desc"), help="desc unless told: the newest, or the end of names, first"
    )
    add_rows(listing, USERS_LIMIT_MAX)
    add_json(listing)
    add_json(_of_user(actions, "show", shared, "show one with its sessions and the pages it saw last"))
    _of_user(actions, "block", shared, "shut one out: its sessions end, and it cannot sign in")
    _of_user(actions, "unblock", shared, "let one in again")
    _of_user(actions, "signout", shared, "end every session of one")
    _of_user(actions, "otp-off", shared, "take the second factor of one who has lost it")
    role = _of_user(actions, "role", shared, "give one another role")
    role.add_argument("role", metavar="ROLE", choices=get_args(Role), help=", ".join(get_args(Role)))
    erase = _of_user(actions, "erase", shared, "erase one: the account, and what it did")
    erase.add_argument("--yes", action="store_true", help="do not ask: it cannot be undone")


def add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add `audit` and its actions."""
    actions = commands.add_parser("audit", help="what happened to accounts, and whether its record is whole")
    verbs = actions.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_json(verbs.add_parser("verify", parents=[shared], help="check that no entry was changed or taken away"))
    listing = verbs.add_parser("ls", parents=[shared], help="list what happened, the newest first")
    listing.add_argument("--event", metavar="NAME", help="what happened, as in the list: authn_login_fail, say")
    listing.add_argument("--outcome", choices=get_args(Outcome), help="of this outcome only")
    listing.add_argument("--user-id", metavar="ID", help="who did it or had it done; `footfall users show` has it")
    listing.add_argument("--peer", metavar="ADDRESS", help="where it came from")
    add_rows(listing, AUTH_EVENTS_LIMIT_MAX)
    add_json(listing)


def _of_user(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    action: str,
    shared: argparse.ArgumentParser,
    words: str,
) -> argparse.ArgumentParser:
    added = actions.add_parser(action, parents=[shared], help=words)
    added.add_argument("user", metavar="USER", help="a nickname, an e-mail or a user_id")
    return added


def add_rows(target: argparse.ArgumentParser, most: int) -> None:
    """Add the number of rows."""
    words = f"rows at most, up to {most} (%(default)s)"
    target.add_argument("-n", dest="rows_max", metavar="N", type=number(most), default=ROWS, help=words)


def add_json(target: argparse.ArgumentParser) -> None:
    """Add the form of the daemon's own answer."""
    target.add_argument("--json", action="store_true", help="print the daemon's answer as JSON")
