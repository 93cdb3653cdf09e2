"""`footfall signin`: a name and a password become the token of later commands."""

from pathlib import Path

import msgspec

from console.answers import read
from console.client import Client
from console.report import Report
from console.token_file import write_token


class SignedIn(msgspec.Struct, frozen=True):
    """What of the envelope the console needs; `expires_in` is in seconds."""

    jwt_token: str
    expires_in: int


async def ask(client: Client, name: str, password: str) -> SignedIn:
    """Sign in by nickname, or by e-mail where the name has an @.

    Raises:
        Refused: the daemon does not take the password; else as `Client.post`.
    """
    member = "email" if "@" in name else "nickname"
    return read(await client.post("auth/signin", {member: name, "password": password}), SignedIn)


async def sign_in(client: Client, name: str, password: str, token_file: Path) -> Report:
    """Sign in and keep the token; raises as `ask` does."""
    signed_in = await ask(client, name, password)
    write_token(token_file, signed_in.jwt_token)
    words = f"signed in; the token in {token_file} is good for {signed_in.expires_in // 60} minutes"
    return Report("", (words,))
