"""The application of the site itself: it needs no token, and its settings are the operator's."""

from collections.abc import Sequence
from datetime import UTC, datetime

from storage.app import App, VisitorMode
from storage.event import BUILT_IN_APP


def built_in_app(origins: Sequence[str] = (), hostnames: Sequence[str] = (), visitors: VisitorMode = "cookie") -> App:
    """Return it; without arguments as it is without settings."""
    return App(
        app_code=BUILT_IN_APP,
        app_name=BUILT_IN_APP,
        owner_id=None,
        created_at=datetime(1970, 1, 1, tzinfo=UTC),
        origins=tuple(origins),
        hostnames=tuple(hostnames),
        visitors=visitors,
    )
