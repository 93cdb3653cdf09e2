"""What takes events in, as the settings say: who sends, what the door freezes of a request, and the routes of tracking."""

import os
import uuid
from collections.abc import Coroutine
from typing import NamedTuple

from collector.adapters import now
from collector.identity.caller import Authenticate
from collector.identity.origin import Origins
from collector.routes import Route
from collector.settings import Settings
from collector.tracking import table as tracking
from collector.tracking.blocked import Blocked
from collector.tracking.context import Contexts
from collector.tracking.cookieless import Cookieless
from collector.tracking.countries import Countries
from collector.tracking.day_salt import SALT_NAME, DaySalt
from collector.tracking.door import Door
from collector.tracking.intake import Intake
from collector.tracking.recent import RecentIds
from collector.tracking.senders import Senders
from collector.tracking.visitor import Visitors, known_to
from collector.tracking.wishes import Wishes
from storage.account_ports import AppStore
from storage.app import App
from storage.kept_file import KeptFile
from storage.ports import EventLog


class Ingestion(NamedTuple):
    """The routes by which events come in, and what has to run for them."""

    routes: list[Route]
    countries: Countries | None
    salt: DaySalt

    def running(self) -> list[Coroutine[None, None, None]]:
        """Return what runs until it is cancelled."""
        return [self.salt.run(), *([self.countries.watch()] if self.countries else [])]


def origins_of(settings: Settings, site: App) -> Origins:
    """Return where requests come from: nobody's visitor is known whose wish not to be is honoured."""
    return Origins(settings.server.trusted_proxies, wishes_of(settings).heeding(known_to(site)))


def intake_of(settings: Settings, log: EventLog, door: Door) -> Intake:
    """Return the way of items through the door into the log."""
    limits = settings.tracking
    return Intake(log, door, RecentIds(limits.recent_ids_max), rejected_raw_bytes_max=limits.rejected_raw_bytes_max)


def ingestion_of(
    settings: Settings,
    intake: Intake,
    apps: AppStore,
    site: App,
    *,
    origins: Origins,
    countries: Countries | None,
    authenticate: Authenticate,
) -> Ingestion:
    """Return what takes the events of the site and of applications."""
    blocked = Blocked(settings.privacy.blocked_addresses)
    contexts = Contexts(origins, wishes_of(settings), blocked, countries.of if countries else None)
    salt = DaySalt(KeptFile(settings.data.dir / SALT_NAME), now, os.urandom)
    visitors = Visitors(_new_id, Cookieless(origins, salt).of, cookie_secure=settings.tracking.cookie_secure)
    token_required = settings.tracking.require_token
    senders = Senders(apps, site, visitors, authenticate, contexts.of, token_required=token_required)
    return Ingestion(tracking.routes(intake, senders, visitors), countries, salt)


def wishes_of(settings: Settings) -> Wishes:
    """Return what reads the wishes of browsers."""
    return Wishes(dnt=settings.privacy.dnt, gpc=settings.privacy.gpc)


def _new_id() -> str:
    return str(uuid.uuid4())  # from os.urandom
