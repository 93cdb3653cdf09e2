"""Who may see an application and what came of it: its owner, administrators, and whoever holds a read token of it."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from collector.applications.errors import AppUnknown
from collector.applications.tokens import READ_PREFIX, digest_of, is_well_formed
from collector.identity.caller import Authenticate, Caller, RoleInsufficient, TokenMissing
from collector.tracking.senders import X_API_TOKEN, ApiTokenUnknown
from storage.account_ports import AppStore
from storage.app import App, ReadToken, Scope


def owned(apps: AppStore, app_code: str, caller: Caller) -> App:
    """Return the application where it is the caller's, or the caller administers the site; AppUnknown otherwise."""
    app = apps.by_code(app_code)
    if app is None or (caller.role != "admin" and caller.user_id != app.owner_id):
        raise AppUnknown
    return app


class Readers:
    """Lets readers in; `clock` gives aware UTC times."""

    def __init__(self, apps: AppStore, authenticate: Authenticate, clock: Callable[[], datetime]) -> None:
        self._apps = apps
        self._authenticate = authenticate
        self._clock = clock

    async def app_of(self, request: web.Request, app_code: str, scope: Scope) -> App:
        """Return the application that the sender may read: by a read token of this scope, else by a jwt_token.

        Raises:
            ApiTokenUnknown: X-Api-Token is no live read token of this application.
            RoleInsufficient: it is, and has not the scope.
            TokenMissing, TokenInvalid, IdentityUnreachable: there is none, and no good jwt_token.
            AppUnknown: the user of the jwt_token has no such application.
        """
        token = request.headers.get(X_API_TOKEN)
        if token is not None:
            return self._opened_by(token, app_code, scope)
        caller = await self._authenticate(request)
        if caller is None:
            raise TokenMissing("this route needs an Authorization: Bearer token, or a read token as X-Api-Token")
        return owned(self._apps, app_code, caller)

    def _opened_by(self, token: str, app_code: str, scope: Scope) -> App:
        app, found = self._found(token)
        if app.app_code != app_code:
            raise _unknown()
        if scope not in found.scopes:
            raise RoleInsufficient(f"this read token has not the scope {scope}")
        self._apps.used(found.token_id, self._clock())
        return app

    def _found(self, token: str) -> tuple[App, ReadToken]:
        # A mistyped token costs no hash.
        digest = digest_of(token) if is_well_formed(token, READ_PREFIX) else ""
        app = self._apps.by_read_token(digest)
        if app is None:
            raise _unknown()
        found = next(one for one in app.read_tokens if one.digest == digest)
        if found.expires_at is not None and found.expires_at <= self._clock():
            raise _unknown()
        return app, found


def _unknown() -> ApiTokenUnknown:
    # One text for all: what is wrong with a token nobody learns who does not hold a good one.
    return ApiTokenUnknown("this X-Api-Token opens nothing here")
