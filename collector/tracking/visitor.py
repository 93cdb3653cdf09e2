"""Who sends a request: the signed-in user where there is one, and the visitor that the browser's cookie names."""

import hashlib
import re
import uuid
from collections.abc import Callable

from aiohttp import hdrs, web

from collector.applications.built_in import built_in_app
from collector.identity.caller import Caller
from collector.tracking.context import UNTOLD, Context
from storage.app import App
from storage.event import BUILT_IN_APP

COOKIE = "footfall_id"
COOKIE_AGE_S = 400 * 86_400
"""RFC 6265bis, 5.6.2: browsers keep no cookie longer."""

# Only what `new_id` makes is taken; anything else in the cookie is as good as none. The first of several counts.
_IN_HEADER = re.compile(rf"(?:^|;) *{COOKIE}=([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}) *(?=;|$)", re.ASCII)


def known(request: web.Request) -> str | None:
    """Return the anonymous_id in the request's cookie; None where there is none of our making."""
    header = request.headers.get(hdrs.COOKIE)
    found = _IN_HEADER.search(header) if header else None
    return found[1] if found else None


def known_to(app: App) -> Callable[[web.Request], str | None]:
    """Return `known` for an application with cookies; without them nobody's is read."""
    return known if app.visitors == "cookie" else lambda _: None


def of_app(kept: str, app_code: str) -> str:
    """Return the anonymous_id that stands in an application for what a browser keeps for all of them.

    Who reads one application must not learn by what another knows the same person: whoever signs in with a visitor's id
    gets the visitor's past there. What is kept has 122 random bits, so no key is needed to hide it. The store ties a
    UUID of version 4 (RFC 9562, 5.4).
    """
    if app_code == BUILT_IN_APP:
        return kept
    digest = hashlib.blake2b(f"{app_code}/{kept}".encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


SITE = built_in_app()
"""The built-in application as it is without settings."""


class Visitor:
    """The sender of one request to one application; a stranger's anonymous_id is made when it is first needed.

    Without `new_id` none is made. `kept` is what the browser keeps, a new one included, and None where it keeps nothing.
    """

    def __init__(
        self,
        caller: Caller | None,
        anonymous_id: str | None,
        new_id: Callable[[], str] | None,
        app: App = SITE,
        context: Context = UNTOLD,
        *,
        kept: str | None = None,
    ) -> None:
        self.caller = caller
        self.app = app
        self.context = context
        self.is_new = False
        self.kept = kept
        self._anonymous_id = anonymous_id
        self._new_id = new_id

    @property
    def user_id(self) -> str | None:
        """The signed-in user, unless the browser's wish to be nobody is honoured."""
        return None if self.caller is None or self.context.signal else self.caller.user_id

    @property
    def known_id(self) -> str | None:
        """The anonymous_id as far as there is one; nobody becomes a visitor by this."""
        return None if self.context.signal else self._anonymous_id

    @property
    def anonymous_id(self) -> str | None:
        """The cookie's; else None for a user, and for a stranger a new one that the answer has to bring to the browser."""
        # A user is known without one: a client that keeps no cookies would be a new visitor at every request.
        if self._anonymous_id is None and self.caller is None and self._new_id is not None:
            self.kept = self._new_id()
            self._anonymous_id = of_app(self.kept, self.app.app_code)
            self.is_new = True
        return self._anonymous_id

    def anonymous_id_of(self, user_id: str | None) -> str | None:
        """Return the anonymous_id of an event of this user, or of nobody: who is a user needs no new one."""
        return self.anonymous_id if user_id is None else self._anonymous_id


class Visitors:
    """Tells visitors apart; `new_id` gives canonical UUIDs that nobody can guess, `cookieless_id` those of a day."""

    def __init__(
        self,
        new_id: Callable[[], str],
        cookieless_id: Callable[[web.Request, App, Context], str],
        *,
        cookie_secure: bool,
    ) -> None:
        self._new_id = new_id
        self._cookieless_id = cookieless_id
        self._attributes = f"; Max-Age={COOKIE_AGE_S}; Path=/; SameSite=Lax; HttpOnly"
        if cookie_secure:
            self._attributes += "; Secure"

    def of(self, request: web.Request, caller: Caller | None, app: App, context: Context) -> Visitor:
        """Return who sends the request; of an application without cookies none is read, nor made."""
        if app.visitors == "cookieless":
            return Visitor(caller, self._cookieless_id(request, app, context), self._new_id, app, context)
        kept = known(request)
        anonymous_id = None if kept is None else of_app(kept, app.app_code)
        return Visitor(caller, anonymous_id, self._new_id, app, context, kept=kept)

    def cookie(self, visitor: Visitor) -> dict[str, str]:
        """Return the header that brings a new anonymous_id to the browser."""
        return {hdrs.SET_COOKIE: f"{COOKIE}={visitor.kept}{self._attributes}"}
