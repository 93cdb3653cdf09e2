"""The routes of sign-up and sign-in."""

from aiohttp import web

from collector.answers import json_answer
from collector.identity.accounts import Accounts, Person
from collector.identity.origin import Origins
from collector.identity.profile import profile_of
from collector.identity.sessions import Grant
from collector.routes import Answer, JsonBody, Route, Taking, model_body
from collector.wire import accounts as wire

SIGNUP = JsonBody(wire.read_signup, wire.NicknameSignup, wire.EmailSignup)
SIGNED_IN = {200: Answer(wire.SignedIn)}


class Authentication:
    """The handlers of sign-up and sign-in."""

    def __init__(self, accounts: Accounts, origins: Origins) -> None:
        self._accounts = accounts
        self._origins = origins

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("POST", "/auth/signup", Taking(SIGNUP, self.sign_up), "anyone", SIGNED_IN),
            Route("POST", "/auth/signin", Taking(model_body(wire.Signin), self.sign_in), "anyone", SIGNED_IN),
        ]

    async def sign_up(self, request: web.Request, form: wire.NicknameSignup | wire.EmailSignup) -> web.Response:
        """Make a user and sign it in."""
        grant = await self._accounts.sign_up(_person(form), form.password.get_secret_value(), self._origins.of(request))
        return _envelope(grant)

    async def sign_in(self, request: web.Request, form: wire.Signin) -> web.Response:
        """Open a session."""
        password = form.password.get_secret_value()
        otp = None if form.otp is None else form.otp.get_secret_value()
        grant = await self._accounts.sign_in(
            password, self._origins.of(request), nickname=form.nickname, email=form.email, otp=otp
        )
        return _envelope(grant)


def _person(form: wire.NicknameSignup | wire.EmailSignup) -> Person:
    if isinstance(form, wire.NicknameSignup):
        return Person(nickname=form.nickname, firstname=form.firstname, lastname=form.lastname, age=form.age)
    return Person(email=form.email, firstname=form.name, lastname=form.surname, phone=form.phone)


def _envelope(grant: Grant) -> web.Response:
    assert grant.refresh_token is not None
    return json_answer(
        wire.SignedIn(
            jwt_token=grant.token,
            refresh_token=grant.refresh_token,
            expires_in=grant.expires_in_s,
            user=profile_of(grant.user),
        )
    )
