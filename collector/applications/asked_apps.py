"""Applications as requests name them: which one is meant, and who asks for a change of it."""

from aiohttp import web

from collector.applications.applications import Applications, Asker, Change
from collector.applications.readers import owned
from collector.identity.audit import AuditEvent
from collector.identity.caller import CALLER
from collector.identity.origin import Origins
from storage.account_ports import AppStore
from storage.app import App


class AskedApps:
    """Finds and changes the application in a request's path, for its owner and for administrators.

    Of routes that only the signed-in may call; AppUnknown where there is none, or it is another's.
    """

    def __init__(self, apps: AppStore, applications: Applications, origins: Origins) -> None:
        self._apps = apps
        self._applications = applications
        self._origins = origins

    def of(self, request: web.Request) -> App:
        """Return the application of the path."""
        return owned(self._apps, request.match_info["app_code"], request[CALLER])

    async def create(self, request: web.Request, app_name: str) -> App:
        """Return a new application of the caller's; raises as `Applications.create`."""
        return await self._applications.create(app_name, self._asker(request))

    async def change(self, request: web.Request, change: Change, event: AuditEvent, note: str) -> App:
        """Return the application as `change` makes it; raises as `Applications.change`."""
        return await self._applications.change(self.of(request), change, event, self._asker(request), note)

    async def delete(self, request: web.Request) -> None:
        """Delete the application; raises as `Applications.delete`."""
        await self._applications.delete(self.of(request), self._asker(request))

    def _asker(self, request: web.Request) -> Asker:
        return Asker(request[CALLER], self._origins.of(request))
