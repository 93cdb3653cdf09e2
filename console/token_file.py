"""The token that a sign-in leaves for later commands: one private file, or the environment; never the command line."""

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from console.errors import TokenUnusable

TOKEN_VARIABLE = "FOOTFALL_TOKEN"  # noqa: S105 - the name of a variable
FILE_VARIABLE = "FOOTFALL_TOKEN_FILE"
TOKEN_BYTES_MAX = 16 * 1024


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


def read_token(path: Path, environ: Mapping[str, str]) -> str | None:
    """Return the token of the environment, else of the file; None when nobody has signed in.

    Raises:
        TokenUnusable: others can read the file, or what it holds cannot be a token.
    """
    if given := environ.get(TOKEN_VARIABLE):
        return _checked(given, TOKEN_VARIABLE)
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise TokenUnusable(f"{path}: others can read it (mode {mode:04o}); run `chmod 600 {path}`")
            return _checked(file.read(TOKEN_BYTES_MAX + 1).decode("ascii", "replace"), str(path))
    except FileNotFoundError:
        return None


def write_token(path: Path, token: str) -> None:
    """Put the token in its file, mode 0600 from birth, wholly or not at all; its directory is made, mode 0700."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{_checked(token, 'the answer')}\n")
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        raise


def _checked(text: str, origin: str) -> str:
    token = text.strip()
    if not token or len(token) > TOKEN_BYTES_MAX or not all("!" <= character <= "~" for character in token):
        raise TokenUnusable(f"{origin}: holds no token; run `footfall signin NAME`")
    return token
