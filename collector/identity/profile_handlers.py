"""The routes of one's own profile."""

from aiohttp import web

from collector.answers import empty_answer, json_answer, unchanged_answer
from collector.identity.caller import CALLER, ENDED, TokenInvalid
from collector.identity.erasure import Erasure
from collector.identity.errors import UserUnknown
from collector.identity.origin import Origins
from collector.identity.profile import Change, Profiles, profile_of, tag_of_user
from collector.preconditions import Match, is_known
from collector.routes import Answer, Conditional, Route, Taking, model_body
from collector.wire.accounts import Profile
from collector.wire.profile import OwnErasure, ProfilePatch
from storage.user import User

SECRETS = frozenset({"password", "current_password"})


class ProfileAnswers:
    """The handlers of one's own profile."""

    def __init__(self, profiles: Profiles, erasure: Erasure, origins: Origins) -> None:
        self._profiles = profiles
        self._erasure = erasure
        self._origins = origins

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        shown = {200: Answer(Profile)}
        change = Conditional(model_body(ProfilePatch), self.change)
        return [
            Route("GET", "/auth/me", self.show, "user", shown | {304: Answer()}),
            Route("PATCH", "/auth/me", change, "user", shown),
            Route("DELETE", "/auth/me", Taking(model_body(OwnErasure), self.erase), "user", {204: Answer()}),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Answer the caller's own profile, with the ETag that a change of it needs."""
        user = await self._profiles.of(request[CALLER])
        return unchanged_answer(_etag(user)) if is_known(request, tag_of_user(user)) else _answer(user)

    async def change(self, request: web.Request, patch: ProfilePatch, match: Match) -> web.Response:
        """Change the caller's own profile or password, where If-Match has its ETag; a new password ends other sessions."""
        origin = self._origins.of(request)
        return _answer(await self._profiles.change(request[CALLER], _change(patch), match, origin))

    async def erase(self, request: web.Request, form: OwnErasure) -> web.Response:
        """Erase the caller: the account at once, and then what it did from log, archive and statistics."""
        caller, origin = request[CALLER], self._origins.of(request)
        await self._profiles.require_password(caller, form.password.get_secret_value(), origin)
        try:
            await self._erasure.erase_user(caller.user_id, origin, by=caller)
        except UserUnknown:
            raise TokenInvalid(ENDED) from None
        return empty_answer()


def _change(patch: ProfilePatch) -> Change:
    sent = patch.model_fields_set
    return Change(
        members={name: getattr(patch, name) for name in sent - SECRETS},
        password=patch.password.get_secret_value() if "password" in sent else None,
        current_password=patch.current_password.get_secret_value() if "current_password" in sent else None,
    )


def _answer(user: User) -> web.Response:
    return json_answer(profile_of(user), headers={"ETag": _etag(user)})


def _etag(user: User) -> str:
    return f'"{tag_of_user(user)}"'
