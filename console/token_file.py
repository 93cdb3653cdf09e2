"""The tokens that a sign-in leaves for later commands: one private file; never the command line."""

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.errors import TokenUnusable

TOKEN_VARIABLE = "FOOTFALL_TOKEN"  # noqa: S105 - the name of a variable
FILE_VARIABLE = "FOOTFALL_TOKEN_FILE"
TOKEN_BYTES_MAX = 16 * 1024
"""Of the file, and of what the variable holds."""


class Tokens(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a session is known by; without a `refresh_token` it is known until the jwt_token ends."""

    jwt_token: str
    refresh_token: str | None = None


def default_token_file(environ: Mapping[str, str], profile: str | None = None) -> Path:
    """Return where the token of a profile is kept; what the environment names is for none."""
    if (named := environ.get(FILE_VARIABLE)) and profile is None:
        return Path(named)
    return state_directory(environ) / (f"token.{profile}" if profile else "token")


def state_directory(environ: Mapping[str, str]) -> Path:
    """Return where the console keeps what outlives a restart (XDG Base Directory Specification: state)."""
    state = environ.get("XDG_STATE_HOME", "")
    # The specification wants a relative path ignored.
    root = Path(state) if state.startswith("/") else Path("~/.local/state").expanduser()
    return root / "footfall"


def given_token(environ: Mapping[str, str]) -> Tokens | None:
    """Return the token of the environment, None where there is none; TokenUnusable where it cannot be one."""
    given = environ.get(TOKEN_VARIABLE)
    return _checked(Tokens(given.strip()), TOKEN_VARIABLE) if given else None


def read_tokens(path: Path) -> Tokens | None:
    """Return the tokens of a file, which may also hold a jwt_token alone; None when nobody has signed in.

    Raises:
        TokenUnusable: others can read the file, or what it holds cannot be a token.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise TokenUnusable(f"{path}: others can read it (mode {mode:04o}); run `chmod 600 {path}`")
            raw = file.read(TOKEN_BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    return _checked(_decoded(raw), str(path))


def write_tokens(path: Path, tokens: Tokens) -> None:
    """Put the tokens in their file, mode 0600 from birth, wholly or not at all; its directory is made, mode 0700."""
    content = msgspec.json.encode(_checked(tokens, "the answer"))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content + b"\n")
        draft.replace(path)
    except BaseException:  # no draft is left behind whatever it is; it goes on
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        raise


def _decoded(raw: bytes) -> Tokens:
    if not raw.startswith(b"{"):
        return Tokens(raw.decode("ascii", "replace").strip())
    try:
        return msgspec.json.decode(raw, type=Tokens)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Tokens("")


def _checked(tokens: Tokens, origin: str) -> Tokens:
    for token in (tokens.jwt_token, tokens.refresh_token):
        if token is not None and not _is_token(token):
            raise TokenUnusable(f"{origin}: holds no token; run `footfall signin NAME`")
    return tokens


def _is_token(text: str) -> bool:
    return 0 < len(text) <= TOKEN_BYTES_MAX and all("!" <= character <= "~" for character in text)
