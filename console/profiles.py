"""Connection profiles: names for daemons in one TOML file, which holds no secrets."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.errors import UsageError

PROFILE_VARIABLE = "FOOTFALL_PROFILE"
LOCAL = "local"
"""What a connection without a profile is called."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One daemon; `token_file` is by default the profile's own."""

    url: str
    token_file: str | None = None


def profile_file(environ: Mapping[str, str]) -> Path:
    """Return where profiles are kept (XDG Base Directory Specification: configuration)."""
    config = environ.get("XDG_CONFIG_HOME", "")
    root = Path(config) if config.startswith("/") else Path("~/.config").expanduser()
    return root / "footfall" / "profiles.toml"


def read_profile(path: Path, name: str) -> Profile:
    """Return the profile of that name; UsageError names the file where there is none, or what is wrong with it."""
    try:
        profiles = msgspec.toml.decode(path.read_bytes(), type=dict[str, Profile])
    except FileNotFoundError:
        raise UsageError(
            f'there is no profile {name}: {path} is missing; write [{name}] and url = "…" into it'
        ) from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: {error}") from None
    if name not in profiles:
        raise UsageError(f"{path}: has no profile {name}; there are: {', '.join(sorted(profiles))}")
    return profiles[name]
