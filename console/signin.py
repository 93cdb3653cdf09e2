"""`footfall signin`: a nickname and a password become the token of later commands."""

from pathlib import Path

import msgspec

from console.answers import read
from console.client import Client
from console.report import Report
from console.token_file import write_token


class _SignedIn(msgspec.Struct, frozen=True):
    jwt_token: str
    expires_in: int


async def sign_in(client: Client, nickname: str, password: str, token_file: Path) -> Report:
    """Sign in and keep the token; Refused when the daemon does not take the password, else as `Client.post`."""
    body = {"nickname": nickname, "password": password}
    answer = read(await client.post("auth/signin", body), _SignedIn)
    write_token(token_file, answer.jwt_token)
    words = f"signed in; the token in {token_file} is good for {answer.expires_in // 60} minutes"
    return Report("", (words,))
