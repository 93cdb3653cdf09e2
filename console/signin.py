"""`footfall signin`: a name, a password and perhaps a code become the tokens of later commands."""

from http import HTTPStatus
from pathlib import Path

from console.answers import read
from console.client import Client
from console.errors import Refused
from console.report import Report
from console.token_file import Tokens, write_tokens

ELSEWHERE = "the accounts are another service's: sign in at its --url, with the --token-file that you use here"


class SignedIn(Tokens, frozen=True, kw_only=True):
    """What of the envelope the console needs; `expires_in` is in seconds."""

    expires_in: int

    @property
    def tokens(self) -> Tokens:
        """What is kept of it."""
        return Tokens(self.jwt_token, self.refresh_token)


async def ask(client: Client, name: str, password: str, otp: str | None) -> SignedIn:
    """Sign in by nickname, or by e-mail where the name has an @; `otp` is the code of a second factor, if there is one.

    Raises:
        Refused: the daemon does not take the password or the code, needs one (OTP_REQUIRED), or has no accounts; else
            as `Client.post`.
    """
    member = "email" if "@" in name else "nickname"
    form = {member: name, "password": password} | ({} if otp is None else {"otp": otp})
    try:
        return read(await client.post("auth/signin", form), SignedIn)
    except Refused as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        raise Refused(refused.status, refused.code, ELSEWHERE) from None


async def sign_in(client: Client, name: str, password: str, otp: str | None, token_file: Path) -> Report:
    """Sign in and keep the tokens; raises as `ask` does."""
    signed_in = await ask(client, name, password, otp)
    write_tokens(token_file, signed_in.tokens)
    words = f"signed in; the session is kept in {token_file}"
    if signed_in.refresh_token is None:
        words = f"signed in; the token in {token_file} is good for {signed_in.expires_in // 60} minutes"
    return Report("", (words,))
