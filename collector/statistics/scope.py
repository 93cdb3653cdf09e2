"""Whose events a caller may read: users their own, owners those of their applications, analysts and administrators all."""

from collector.applications.errors import AppUnknown
from collector.identity.caller import Caller, NotYours
from collector.wire.statistics import Filter
from storage.account_ports import AppStore
from storage.event import BUILT_IN_APP
from storage.query.events import EventFilter


class Scope:
    """Says which events a question may be about."""

    def __init__(self, apps: AppStore) -> None:
        self._apps = apps

    def events_of(self, parameters: Filter, caller: Caller, source_label: str | None = None) -> EventFilter:
        """Return the filter that the parameters mean for this caller.

        Raises:
            AppUnknown: there is no such application, or it is not the caller's to read.
            NotYours: they name another user of the site.
        """
        return EventFilter(
            app_code=parameters.app_code,
            source_label=source_label,
            user_id=self._user_id(parameters, caller),
            page_url=parameters.page_url,
            from_time=parameters.from_time,
            to_time=parameters.to_time,
        )

    def _user_id(self, parameters: Filter, caller: Caller) -> str | None:
        if parameters.app_code != BUILT_IN_APP:
            app = self._apps.by_code(parameters.app_code)
            if app is None or not (caller.reads_everyone or caller.user_id == app.owner_id):
                raise AppUnknown
            return parameters.user_id
        if caller.reads_everyone:
            return parameters.user_id
        if parameters.user_id not in (None, caller.user_id):
            raise NotYours("these statistics are another user's")
        return caller.user_id
