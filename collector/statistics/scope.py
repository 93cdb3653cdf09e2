"""Whose events a caller may read: users their own, analysts and administrators everyone's."""

from collector.identity.caller import Caller, NotYours
from collector.wire.statistics import Filter
from storage.event import BUILT_IN_APP
from storage.query import EventFilter


def events_of(parameters: Filter, caller: Caller, source_label: str | None = None) -> EventFilter:
    """Return the filter that the parameters mean for this caller; NotYours when they name another user."""
    user_id = parameters.user_id
    if not caller.reads_everyone:
        if user_id not in (None, caller.user_id):
            raise NotYours("these statistics are another user's")
        user_id = caller.user_id
    return EventFilter(
        app_code=BUILT_IN_APP,
        source_label=source_label,
        user_id=user_id,
        page_url=parameters.page_url,
        from_time=parameters.from_time,
        to_time=parameters.to_time,
    )
