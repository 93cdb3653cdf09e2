"""What is known of applications in memory, by everything that they are looked up by."""

from collections import Counter, defaultdict
from collections.abc import Collection

from storage.app import App


class AppIndex:
    """Applications by app_code, token, hostname and origin."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}
        self._by_write_token: dict[str, App] = {}
        self._by_read_token: dict[str, App] = {}
        self._by_hostname: defaultdict[str, dict[str, App]] = defaultdict(dict)
        self._origins = Counter[str]()

    def __getitem__(self, app_code: str) -> App:
        return self._apps[app_code]

    def apps(self) -> Collection[App]:
        """Return all of them, in no order."""
        return self._apps.values()

    def by_code(self, app_code: str) -> App | None:
        """Return the application of this app_code."""
        return self._apps.get(app_code)

    def by_write_token(self, token: str) -> App | None:
        """Return the application that has this api_token."""
        return self._by_write_token.get(token)

    def by_read_token(self, digest: str) -> App | None:
        """Return the application that has the read token of this digest."""
        return self._by_read_token.get(digest)

    def by_hostname(self, hostname: str) -> App | None:
        """Return the oldest application that lists it."""
        listed = self._by_hostname.get(hostname, {})
        return min(listed.values(), key=lambda app: (app.created_at, app.app_code), default=None)

    def lists_origin(self, origin: str) -> bool:
        """Return whether an application lists it."""
        return origin in self._origins

    def put(self, app: App) -> None:
        """Know the application in this state and no other."""
        if app.app_code in self._apps:
            self.drop(self._apps[app.app_code])
        self._apps[app.app_code] = app
        self._by_write_token |= {one.token: app for one in app.write_tokens}
        self._by_read_token |= {one.digest: app for one in app.read_tokens}
        for hostname in app.hostnames:
            self._by_hostname[hostname][app.app_code] = app
        self._origins.update(app.origins)

    def drop(self, app: App) -> None:
        """Forget the application."""
        del self._apps[app.app_code]
        for written in app.write_tokens:
            del self._by_write_token[written.token]
        for read in app.read_tokens:
            del self._by_read_token[read.digest]
        for hostname in set(app.hostnames):
            del self._by_hostname[hostname][app.app_code]
            if not self._by_hostname[hostname]:
                del self._by_hostname[hostname]
        self._origins -= Counter(app.origins)
