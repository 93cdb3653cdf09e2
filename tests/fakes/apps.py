"""An AppStore in memory; takes the same contract suite as the files."""

from collections.abc import Callable, Sequence
from datetime import datetime

from storage.app import App
from storage.errors import AppExists
from storage.event import BUILT_IN_APP


class MemoryApps:
    """Applications in a dict: no method suspends, so none overtakes another."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}
        self._used: dict[str, datetime] = {}

    def by_code(self, app_code: str) -> App | None:
        return self._apps.get(app_code)

    def by_write_token(self, token: str) -> App | None:
        return self._first(lambda app: token in [one.token for one in app.write_tokens])

    def by_read_token(self, digest: str) -> App | None:
        return self._first(lambda app: digest in [one.digest for one in app.read_tokens])

    def by_hostname(self, hostname: str) -> App | None:
        return next((app for app in self.every() if hostname in app.hostnames), None)

    def lists_origin(self, origin: str) -> bool:
        return self._first(lambda app: origin in app.origins) is not None

    def used(self, token_id: str, at: datetime) -> None:
        self._used[token_id] = max(at, self._used.get(token_id, at))

    def last_used(self, token_id: str) -> datetime | None:
        return self._used.get(token_id)

    def of_owner(self, owner_id: str) -> Sequence[App]:
        return [app for app in self.every() if app.owner_id == owner_id]

    def every(self) -> Sequence[App]:
        return sorted(self._apps.values(), key=lambda app: (app.created_at, app.app_code))

    async def add(self, app: App) -> None:
        if "/" in app.app_code or app.app_code in ("", BUILT_IN_APP):
            raise ValueError(app.app_code)
        self._require_free(app)
        self._apps[app.app_code] = app

    async def update(self, app_code: str, change: Callable[[App], App]) -> App:
        changed = change(self._apps[app_code])
        self._require_free(changed)
        self._apps[app_code] = changed
        return changed

    async def remove(self, app_code: str) -> None:
        for token in self._apps.pop(app_code).read_tokens:
            self._used.pop(token.token_id, None)

    def _require_free(self, app: App) -> None:
        for one in self._apps.values():
            if (one.owner_id, one.app_name) == (app.owner_id, app.app_name) and one.app_code != app.app_code:
                raise AppExists(app.app_name)

    def _first(self, takes: Callable[[App], bool]) -> App | None:
        return next((app for app in self._apps.values() if takes(app)), None)
