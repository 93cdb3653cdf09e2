"""The commands without the UI, composed: connection and token from the arguments, what was found as a report."""

import argparse
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import NoReturn

from console.app_commands import apps
from console.audit_commands import audit
from console.client import Client
from console.credentials import kept_credentials
from console.errors import Refused, UsageError
from console.live import live
from console.pivot_command import pivot
from console.receipt import receipt
from console.rejected_commands import rejected
from console.report import Report
from console.signin import sign_in
from console.status import status
from console.top import top
from console.user_commands import users


async def run_status(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Return how the daemon is; a token that has ended does not stand in the way."""
    credentials = kept_credentials(arguments.token_file, environ)
    words: tuple[str, ...] = ()
    if credentials is not None:
        try:
            async with Client(arguments.url, credentials) as client:
                return await status(client, as_json=arguments.json)
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
            words = (f"the token is not taken: {refused}",)
    async with Client(arguments.url, None) as client:
        report = await status(client, as_json=arguments.json)
    return report._replace(words=words + report.words)


async def run_top(arguments: argparse.Namespace, environ: Mapping[str, str], now: datetime) -> Report:
    """Return pageviews by `arguments.dimension`."""
    filters = dict(arguments.where)
    if len(filters) < len(arguments.where):
        raise UsageError("a --where is given twice; the daemon reads one value of each key")
    period = {} if arguments.period is None else arguments.period.parameters(now)
    async with Client(arguments.url, kept_credentials(arguments.token_file, environ)) as client:
        return await top(
            client, arguments.dimension, filters | period, rows_max=arguments.rows_max, as_json=arguments.json
        )


async def run_pivot(arguments: argparse.Namespace, environ: Mapping[str, str], now: datetime) -> Report:
    """Return the pivot of an application's event."""
    period = {} if arguments.period is None else arguments.period.parameters(now)
    async with Client(arguments.url, kept_credentials(arguments.token_file, environ)) as client:
        return await pivot(client, arguments, period)


async def run_receipt(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Return what became of the item that got `arguments.receipt`."""
    async with Client(arguments.url, kept_credentials(arguments.token_file, environ)) as client:
        return await receipt(client, arguments.receipt, as_json=arguments.json)


async def run_users(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Return users, or what was done to one."""
    async with Client(arguments.url, kept_credentials(arguments.token_file, environ)) as client:
        return await users(client, arguments)


async def run_audit(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Return what happened to accounts, or whether its record is whole."""
    async with Client(arguments.url, kept_credentials(arguments.token_file, environ)) as client:
        return await audit(client, arguments)


async def run_apps(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Return applications, or what was done to one."""
    async with Client(arguments.url, kept_credentials(arguments.token_file, environ)) as client:
        return await apps(client, arguments)


async def run_rejected(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Return rejected items, or what became of their replay."""
    async with Client(arguments.url, kept_credentials(arguments.token_file, environ)) as client:
        return await rejected(client, arguments)


async def run_live(arguments: argparse.Namespace, environ: Mapping[str, str]) -> NoReturn:
    """Print what comes in."""
    async with Client(arguments.url, kept_credentials(arguments.token_file, environ)) as client:
        await live(client, as_json=arguments.json)


async def run_signin(arguments: argparse.Namespace, password: str, otp: str | None) -> Report:
    """Sign in and keep the token."""
    async with Client(arguments.url, None) as client:
        return await sign_in(client, arguments.nickname, password, otp, arguments.token_file)


RUNS: dict[str, Callable[[argparse.Namespace, Mapping[str, str]], Coroutine[None, None, Report]]] = {
    "status": run_status,
    "live": run_live,
    "receipt": run_receipt,
    "users": run_users,
    "audit": run_audit,
    "apps": run_apps,
    "rejected": run_rejected,
}
"""What needs arguments and environment alone, by its name."""
