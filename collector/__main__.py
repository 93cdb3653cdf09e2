"""footfalld: the composition root of the front; config in, adapters built, opened, supervised, served."""

import argparse
import asyncio
import importlib.metadata
import os
import socket
import sys
import time
from collections import Counter

import uvloop
from aiohttp import web

from collector.adapters import (
    Identity,
    built_in_of,
    countries_of,
    erasure_of,
    event_door,
    keys_of,
    log_format,
    now,
    open_identity,
    open_provider,
    store_process,
    write_ahead_log,
)
from collector.administration.apps import AdminAppAnswers
from collector.administration.auth_events import AuthEventAnswers
from collector.administration.docs import Docs
from collector.administration.health import HealthAnswers
from collector.administration.log import LogAnswers
from collector.administration.metrics import Counters, Metrics
from collector.administration.receipts import Receipts
from collector.administration.rejected import Rejected
from collector.app import build_app
from collector.applications import table as applications
from collector.applications.readers import Readers
from collector.callers import Callers, callers_of
from collector.commands import (
    control_verbs,
    exit_status,
    parser,
    settings_of,
)
from collector.config import Secrets, load_secrets
from collector.control import SOCKET_NAME, ControlServer, Verb
from collector.cross_origin import CrossOrigin
from collector.data_directory import held, warn_of_file_system
from collector.erase import end_of, erase_verbs
from collector.identity.caller import Authenticate
from collector.identity.erasure import Erasure
from collector.identity.origin import Origins
from collector.ingestion import ingestion_of, intake_of, origins_of
from collector.notify import Supervisor
from collector.privacy.people import PeopleAnswers
from collector.privacy.person_export import PersonExport
from collector.program import program
from collector.rebuild import rebuild_verbs
from collector.rederive import rederive_verbs
from collector.rejected_verbs import rejected_verbs
from collector.routes import Route
from collector.server import listen, serve, settle_memory, stop_on_signals
from collector.settings import Settings
from collector.statistics import table as statistics
from collector.statistics.live import Live
from collector.statistics.pivot import PivotStatistics
from collector.store_process import StoreProcess
from collector.tracking.auth_events import AuthEvents
from collector.tracking.replay import Replay
from collector.verbs import VERBS
from storage.account_ports import AppStore
from storage.app import App
from storage.app_files import AppFiles
from storage.errors import LogFailed
from storage.logs import configure_logs
from storage.ports import EventStore
from storage.store_client import StoreClient
from storage.wal.log import WriteAheadLog
from storage.wal.survey import Survey
from storage.wal.tail import WalTail


def main(argv: list[str] | None = None) -> int:
    """Run a verb of footfalld and return its exit status."""
    arguments = parser().parse_args(argv)
    run = VERBS.get(arguments.verb.partition(" ")[0], _serve_as_told)
    return exit_status(lambda: run(arguments))


def _serve_as_told(arguments: argparse.Namespace) -> None:
    run_serve(settings_of(arguments), load_secrets(arguments.env_file))


def run_serve(settings: Settings, secrets: Secrets) -> None:
    """Serve until a signal; every error that a person can act on says what to do."""
    configure_logs(settings.logging.level, log_format(settings))
    with held(settings.data.dir), listen(settings.server.host, settings.server.port) as listener:
        warn_of_file_system(settings.data.dir)
        try:
            uvloop.run(_serve(settings, secrets, listener))
        except BaseExceptionGroup as group:  # of the tasks; what they ended for goes on
            # One task ended the group; what it ended for is what the operator must read.
            raise group.exceptions[0] from group


async def _serve(settings: Settings, secrets: Secrets, listener: socket.socket) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    supervisor = Supervisor.of(os.environ)
    client = StoreClient(query_timeout_s=settings.store.query_timeout_s)
    door = event_door(settings)
    countries = countries_of(settings)
    async with (
        write_ahead_log(settings) as log,
        open_identity(settings, secrets, AuthEvents(log, door).append) as identity,
        open_provider(settings) as provider,
        AppFiles(settings.data.dir / "apps") as apps,
    ):
        site = built_in_of(settings)
        origins = origins_of(settings, site)
        erasure = erasure_of(settings, secrets, identity, client, end_of(log))
        callers = callers_of(
            identity, erasure, provider, keys_of(secrets), apps=apps, store=client, origins=origins, clock=now
        )
        intake = intake_of(settings, log, door)
        ingestion = ingestion_of(
            settings, intake, apps, site, origins=origins, countries=countries, authenticate=callers.authenticate
        )
        live = _live(settings, callers.authenticate, log)
        rejected = Rejected(client, Replay(log, door, apps, site))
        refused = Counter[int]()
        routes = [
            *callers.routes,
            *ingestion.routes,
            *_applications(settings, apps, site, identity, callers, erasure=erasure, origins=origins, store=client),
            *statistics.routes(client, apps, now, time.perf_counter),
            *live.routes(),
            *_administration(settings, callers.authenticate, log, client, Counters(refused, door.noticed)),
            *rejected.routes(),
            *AuthEventAnswers(identity.audit_log).routes(),
        ]
        app = _application(settings, callers, routes, origins, refused, cross_origin=CrossOrigin(apps, site))
        app.on_shutdown.append(live.stop)
        store = store_process(settings, secrets, client)
        verbs = control_verbs(identity.accounts) | rejected_verbs(rejected) | _store_verbs(store, client, erasure)
        async with ControlServer(settings.data.dir / SOCKET_NAME, verbs), asyncio.TaskGroup() as tasks:
            running = (
                store.run(),
                identity.throttle.run(),
                identity.users.run(),
                apps.run(),
                erasure.run(),
                live.watch(),
                *ingestion.running(),
                _failed(log),
                supervisor.watch(log.stuck),
            )
            watching = [tasks.create_task(one) for one in running]
            settle_memory()
            await serve(
                app,
                listener,
                idle_s=settings.server.idle_s,
                shutdown_s=settings.server.shutdown_s,
                stop=stop,
                ready=lambda address: _say_ready(address, supervisor),
                stopping=supervisor.stopping,
            )
            for task in watching:
                task.cancel()


def _store_verbs(store: StoreProcess, client: StoreClient, erasure: Erasure) -> dict[str, Verb]:
    return rebuild_verbs(store, client) | erase_verbs(erasure, client) | rederive_verbs(client)


def _application(
    settings: Settings,
    callers: Callers,
    routes: list[Route],
    origins: Origins,
    refused: Counter[int],
    *,
    cross_origin: CrossOrigin,
) -> web.Application:
    documents = Docs(routes, version=importlib.metadata.version("footfall")).routes()
    return build_app(
        [*routes, *documents],
        callers.authenticate,
        body_bytes_max=settings.server.body_bytes_max,
        body_wait_s=settings.server.body_wait_s,
        over_tls=origins.over_tls,
        refused=refused,
        forbidden=callers.forbidden,
        cross_origin=cross_origin,
    )


def _applications(
    settings: Settings,
    apps: AppStore,
    site: App,
    identity: Identity,
    callers: Callers,
    *,
    erasure: Erasure,
    origins: Origins,
    store: EventStore,
) -> list[Route]:
    limits, require_change = settings.applications, identity.profiles.require_change
    readers = Readers(apps, callers.authenticate, now)
    export = PersonExport(identity.users, apps, store, identity.audit_log, now)
    people = PeopleAnswers(apps, export, erasure, identity.audit, require_change=require_change, origins=origins)
    own = applications.routes(
        apps,
        readers,
        identity.audit,
        require_change,
        origins=origins,
        clock=now,
        random_bytes=os.urandom,
        creators=limits.create,
        apps_per_user_max=limits.apps_per_user_max,
        definitions_max=limits.definitions_max,
    )
    listed = AdminAppAnswers(apps, identity.users, site).routes()
    return [*own, *people.routes(), *PivotStatistics(store, readers).routes(), *listed]


def _administration(
    settings: Settings, authenticate: Authenticate, log: WriteAheadLog, store: StoreClient, counters: Counters
) -> list[Route]:
    disk = Survey(settings.data.dir)
    logs = LogAnswers(log, store, disk)
    return [
        *HealthAnswers(log, store, disk, authenticate).routes(),
        *logs.routes(),
        *Metrics(logs, authenticate, counters).routes(),
        *Receipts(log, store, disk).routes(),
    ]


def _live(settings: Settings, authenticate: Authenticate, log: WriteAheadLog) -> Live:
    live = settings.live
    return Live(
        log,
        WalTail(settings.data.dir / "log", log.log_id, resume_bytes_max=live.resume_bytes_max),
        authenticate,
        now,
        readers_max=live.readers_max,
        events_max=live.events_max,
        interval_s=live.interval_s,
    )


async def _failed(log: WriteAheadLog) -> None:
    await log.failed.wait()
    raise LogFailed(f"{log.health().reason}; restart the daemon, it goes on in a new log")


def _say_ready(address: str, supervisor: Supervisor) -> None:
    console = f"{program('footfall')} --url {address} status"
    sys.stdout.write(f"footfall answers on {address}\nnext, in another terminal: {console}\n")
    sys.stdout.flush()
    supervisor.ready(f"footfall answers on {address}")


if __name__ == "__main__":
    sys.exit(main())
