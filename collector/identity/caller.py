"""Who makes a request, once a token has said so."""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from storage.user import Role


class Caller(msgspec.Struct, frozen=True):
    """A signed-in user in one of its sessions; `role` is the user's role now, not the one at sign-in.

    `sid` is empty where an outside provider keeps the sessions, or nobody's session is meant.
    """

    user_id: str
    role: Role
    sid: str

    @property
    def reads_everyone(self) -> bool:
        """Whether statistics of other people may be shown."""
        return self.role in ("analyst", "admin")


Authenticate = Callable[[web.Request], Awaitable[Caller | None]]
"""Return who sends a request, None without a token; TokenInvalid with a bad one, IdentityUnreachable where nobody can say."""

CALLER = web.RequestKey("caller", Caller)
"""Set on requests of routes that only the signed-in may call."""


def asked_of(request: web.Request) -> str:
    """Return what was asked for: the method and the route's path, not what stood in its place."""
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical if resource else ''}"


ENDED = "the session has ended"
"""What is said of a token whose session or user is gone."""


class AccessError(Exception):
    """The caller may not do this."""

    code = "access_refused"


class TokenMissing(AccessError):
    """A protected route was called without a token (401)."""

    code = "token_missing"


class TokenInvalid(AccessError):
    """The token is not ours, has ended, or its session or user is gone (401)."""

    code = "invalid_token"


class SessionGone(TokenInvalid):
    """The token is a good one of a session that is no more, or whose user is (401)."""

    def __init__(self, user_id: str, sid: str) -> None:
        super().__init__(ENDED)
        self.user_id = user_id
        self.sid = sid


class NotAuthorized(AccessError):
    """R1's way to say that a protected route was called without a token, or with a bad one (403)."""

    code = "not_authorized"


class RoleInsufficient(AccessError):
    """The token is good, its user's role is not enough (403)."""

    code = "insufficient_scope"


class NotYours(AccessError):
    """The caller named somebody else's things (403)."""

    code = "not_yours"
