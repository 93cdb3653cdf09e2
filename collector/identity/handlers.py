"""The routes under /auth, and who sends a request."""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import hdrs, web

from collector.answers import HEADERS, json_answer
from collector.identity.accounts import Accounts, Grant, Person
from collector.identity.caller import CALLER, Caller, TokenInvalid, TokenMissing
from collector.identity.errors import AuthorizationRepeated
from collector.routes import Answer, Bodyless, JsonBody, Route, Taking, model_body
from collector.wire import accounts as wire
from storage.errors import StorageError
from storage.user import User

Join = Callable[[web.Request, User, str], Awaitable[None]]
"""Tie the visitor that sends the request to the user, under a source_label; StorageError where that cannot be kept."""

SIGNUP = JsonBody(wire.read_signup, wire.NicknameSignup, wire.EmailSignup)
SIGNED_IN = {200: Answer(wire.SignedIn)}

EMPTY = {name: value for name, value in HEADERS.items() if name != hdrs.CONTENT_TYPE}
"""The headers of an answer without a body."""


class Authentication:
    """The handlers of sign-up, sign-in, sign-out and one's own profile."""

    def __init__(self, accounts: Accounts, join: Join) -> None:
        self._accounts = accounts
        self._join = join

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("POST", "/auth/signup", Taking(SIGNUP, self.sign_up), "anyone", SIGNED_IN),
            Route("POST", "/auth/signin", Taking(model_body(wire.Signin), self.sign_in), "anyone", SIGNED_IN),
            Route("POST", "/auth/signout", Bodyless(self.sign_out), "anyone", {204: Answer()}),
            Route("GET", "/auth/me", self.me, "user", {200: Answer(wire.Profile)}),
        ]

    async def authenticate(self, request: web.Request) -> Caller | None:
        """Return who sends the request, None without a Bearer token.

        Raises:
            TokenInvalid: the token is not good, or no longer.
            AuthorizationRepeated: there are two Authorization headers.
        """
        token = _bearer(request)
        return None if token is None else await self._accounts.authenticate(token)

    async def sign_up(self, request: web.Request, form: wire.NicknameSignup | wire.EmailSignup) -> web.Response:
        """Make a user and sign it in."""
        grant = await self._accounts.sign_up(_person(form), form.password.get_secret_value())
        return await self._joined(request, grant, "signup")

    async def sign_in(self, request: web.Request, form: wire.Signin) -> web.Response:
        """Open a session."""
        password = form.password.get_secret_value()
        grant = await self._accounts.sign_in(password, nickname=form.nickname, email=form.email)
        return await self._joined(request, grant, "signin")

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session of the token; a token whose session has ended already is answered alike."""
        token = _bearer(request)
        if token is None:
            raise TokenMissing("this route needs an Authorization: Bearer token")
        await self._accounts.sign_out(token)
        return web.Response(status=204, headers=EMPTY)

    async def _joined(self, request: web.Request, grant: Grant, source_label: str) -> web.Response:
        try:
            await self._join(request, grant.user, source_label)
        except StorageError:
            # Nobody gets this token: its session must not take the place of one in use.
            await self._accounts.sign_out(grant.token)
            raise
        return _envelope(grant)

    async def me(self, request: web.Request) -> web.Response:
        """Answer the caller's own profile."""
        return json_answer(_profile(await self._accounts.user_of(request[CALLER])))


def _bearer(request: web.Request) -> str | None:
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    if len(headers) > 1:
        raise AuthorizationRepeated("send one Authorization header")
    scheme, _, token = (headers[0] if headers else "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    if not token:
        raise TokenInvalid("there is no token after Bearer")
    return token


def _person(form: wire.NicknameSignup | wire.EmailSignup) -> Person:
    if isinstance(form, wire.NicknameSignup):
        return Person(nickname=form.nickname, firstname=form.firstname, lastname=form.lastname, age=form.age)
    return Person(email=form.email, firstname=form.name, lastname=form.surname, phone=form.phone)


def _profile(user: User) -> wire.Profile:
    return msgspec.convert(user, wire.Profile, from_attributes=True)


def _envelope(grant: Grant) -> web.Response:
    user = _profile(grant.user)
    return json_answer(wire.SignedIn(jwt_token=grant.token, expires_in=grant.expires_in_s, user=user))
