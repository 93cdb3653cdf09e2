"""The tokens of an application: given and taken away; pure."""

from datetime import datetime

from msgspec.structs import replace

from collector.applications.codes import RandomBytes
from collector.applications.errors import LastToken, TokenUnknown, TooManyTokens
from collector.applications.tokens import WRITE_PREFIX, new_token, new_token_id
from collector.wire.apps import READ_TOKENS_MAX, WRITE_TOKENS_MAX
from storage.app import App, ReadToken, WriteToken


def new_write_token(random_bytes: RandomBytes, now: datetime) -> WriteToken:
    """Return an api_token that nobody has yet."""
    return WriteToken(new_token_id(random_bytes), new_token(WRITE_PREFIX, random_bytes), now)


def rotated(app: App, token: WriteToken) -> App:
    """Return the application with a further api_token in front; TooManyTokens where it has WRITE_TOKENS_MAX.

    Dropping the oldest instead would shut out, without a word, the pages that still have it.
    """
    if len(app.write_tokens) >= WRITE_TOKENS_MAX:
        raise TooManyTokens(f"there are {WRITE_TOKENS_MAX} live api_tokens; revoke one first")
    return replace(app, write_tokens=(token, *app.write_tokens))


def without_write_token(app: App, token_id: str) -> App:
    """Return the application without this api_token; TokenUnknown, LastToken."""
    left = tuple(one for one in app.write_tokens if one.token_id != token_id)
    if len(left) == len(app.write_tokens):
        raise TokenUnknown
    if not left:
        raise LastToken
    return replace(app, write_tokens=left)


def with_read_token(app: App, token: ReadToken) -> App:
    """Return the application with a further read token; TooManyTokens where it has READ_TOKENS_MAX."""
    if len(app.read_tokens) >= READ_TOKENS_MAX:
        raise TooManyTokens(f"there are {READ_TOKENS_MAX} read tokens; revoke one first")
    return replace(app, read_tokens=(*app.read_tokens, token))


def without_read_token(app: App, token_id: str) -> App:
    """Return the application without this read token; TokenUnknown."""
    left = tuple(one for one in app.read_tokens if one.token_id != token_id)
    if len(left) == len(app.read_tokens):
        raise TokenUnknown
    return replace(app, read_tokens=left)
