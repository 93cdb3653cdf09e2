"""`footfall signin`: a name and a password become the tokens of later commands."""

from pathlib import Path

from console.answers import read
from console.client import Client
from console.report import Report
from console.token_file import Tokens, write_tokens


class SignedIn(Tokens, frozen=True, kw_only=True):
    """What of the envelope the console needs; `expires_in` is in seconds."""

    expires_in: int

    @property
    def tokens(self) -> Tokens:
        """What is kept of it."""
        return Tokens(self.jwt_token, self.refresh_token)


async def ask(client: Client, name: str, password: str) -> SignedIn:
    """Sign in by nickname, or by e-mail where the name has an @.

    Raises:
        Refused: the daemon does not take the password; else as `Client.post`.
    """
    member = "email" if "@" in name else "nickname"
    return read(await client.post("auth/signin", {member: name, "password": password}), SignedIn)


async def sign_in(client: Client, name: str, password: str, token_file: Path) -> Report:
    """Sign in and keep the tokens; raises as `ask` does."""
    signed_in = await ask(client, name, password)
    write_tokens(token_file, signed_in.tokens)
    words = f"signed in; the session is kept in {token_file}"
    if signed_in.refresh_token is None:
        words = f"signed in; the token in {token_file} is good for {signed_in.expires_in // 60} minutes"
    return Report("", (words,))
