"""The routes of one's own second factor."""

from aiohttp import web
from pydantic import SecretStr

from collector.answers import empty_answer, json_answer
from collector.identity.caller import CALLER
from collector.identity.origin import Origins
from collector.identity.second_factor import SecondFactors
from collector.routes import Answer, Route, Taking, model_body
from collector.wire import otp as wire


class OtpAnswers:
    """The handlers of one's own second factor."""

    def __init__(self, second_factors: SecondFactors, origins: Origins) -> None:
        self._second_factors = second_factors
        self._origins = origins

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        begin = Taking(model_body(wire.OtpStart), self.begin)
        confirm = Taking(model_body(wire.OtpConfirmation), self.confirm)
        end = Taking(model_body(wire.OtpEnd), self.end)
        return [
            Route("POST", "/auth/otp", begin, "user", {200: Answer(wire.OtpSetup)}),
            Route("POST", "/auth/otp/confirm", confirm, "user", {200: Answer(wire.RecoveryCodes)}),
            Route("DELETE", "/auth/otp", end, "user", {204: Answer()}),
        ]

    async def begin(self, request: web.Request, form: wire.OtpStart) -> web.Response:
        """Give the caller's authenticator app its secret; no sign-in asks for codes before one was confirmed."""
        setup = await self._second_factors.begin(request[CALLER], shown(form.password), self._origins.of(request))
        return json_answer(wire.OtpSetup(setup.secret, setup.uri))

    async def confirm(self, request: web.Request, form: wire.OtpConfirmation) -> web.Response:
        """Ask for codes at sign-in from now on, and answer the recovery codes, this one time."""
        otp = form.otp.get_secret_value()
        return json_answer(
            wire.RecoveryCodes(await self._second_factors.confirm(request[CALLER], otp, self._origins.of(request)))
        )

    async def end(self, request: web.Request, form: wire.OtpEnd) -> web.Response:
        """Ask for no more codes at sign-in, and forget the app and its recovery codes."""
        await self._second_factors.end(
            request[CALLER], shown(form.password), shown(form.otp), self._origins.of(request)
        )
        return empty_answer()


def shown(secret: SecretStr | None) -> str | None:
    """Return the text of a secret member, None where it was not sent."""
    return None if secret is None else secret.get_secret_value()
