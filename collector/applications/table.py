"""The routes of applications."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from collector.applications.applications import Applications
from collector.applications.asked_apps import AskedApps
from collector.applications.codes import RandomBytes
from collector.applications.definition_handlers import DefinitionAnswers
from collector.applications.handlers import AppAnswers
from collector.applications.readers import Readers
from collector.applications.token_handlers import TokenAnswers
from collector.identity.audit import Audit
from collector.identity.origin import Origins
from collector.identity.profile import RequireChange
from collector.routes import Route
from storage.account_ports import AppStore


def routes(
    apps: AppStore,
    readers: Readers,
    audit: Audit,
    require_change: RequireChange,
    *,
    origins: Origins,
    clock: Callable[[], datetime],
    random_bytes: RandomBytes,
    creators: Literal["user", "admin"],
    apps_per_user_max: int,
    definitions_max: int,
) -> list[Route]:
    """Return the rows of the table of routes below /app; the limits are as in `Applications` and `DefinitionAnswers`."""
    rules = Applications(
        apps,
        audit,
        require_change,
        clock=clock,
        random_bytes=random_bytes,
        creators=creators,
        apps_per_user_max=apps_per_user_max,
    )
    asked = AskedApps(apps, rules, origins)
    return [
        *AppAnswers(apps, asked, readers).routes(),
        *TokenAnswers(apps, asked, clock, random_bytes).routes(),
        *DefinitionAnswers(asked, readers, random_bytes, definitions_max=definitions_max).routes(),
    ]
