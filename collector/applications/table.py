"""The routes of applications."""

from collections.abc import Callable
from datetime import datetime

from collector.applications.applications import Applications
from collector.applications.asked_apps import AskedApps
from collector.applications.codes import RandomBytes
from collector.applications.definition_handlers import DefinitionAnswers
from collector.applications.handlers import AppAnswers
from collector.applications.readers import Readers
from collector.applications.token_handlers import TokenAnswers
from collector.identity.origin import Origins
from collector.routes import Route
from storage.account_ports import AppStore


def routes(
    apps: AppStore,
    rules: Applications,
    readers: Readers,
    origins: Origins,
    *,
    clock: Callable[[], datetime],
    random_bytes: RandomBytes,
    definitions_max: int,
) -> list[Route]:
    """Return the rows of the table of routes below /app."""
    asked = AskedApps(apps, rules, origins)
    return [
        *AppAnswers(apps, asked, readers).routes(),
        *TokenAnswers(apps, asked, clock, random_bytes).routes(),
        *DefinitionAnswers(asked, readers, random_bytes, definitions_max=definitions_max).routes(),
    ]
