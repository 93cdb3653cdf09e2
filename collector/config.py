"""config.toml, .env, environment and command line flags become frozen settings and secrets.

Order: built-in defaults < config.toml < environment FOOTFALL_<SECTION>__<KEY> < command line flags. Secrets come from
the .env file or the environment, which wins.
"""

import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from collector.settings import ORDERED, SECTIONS, Settings, reserve_bytes

CONFIG_FILE = Path("config.toml")
ENV_FILE = Path(".env")
PREFIX = "FOOTFALL_"
CONSOLE_VARIABLES = frozenset({"FOOTFALL_URL", "FOOTFALL_TOKEN", "FOOTFALL_TOKEN_FILE", "FOOTFALL_PROFILE"})
"""The terminal's own variables share the prefix; one shell may well have both."""

SECRET_BYTES_MIN = 32
"""RFC 7518 section 3.2: an HS256 key is at least as long as its hash."""
SECRET_CHARACTERS_MIN = 8
"""Distinct characters; 32 random hexadecimal digits almost never have fewer."""
OLD_SECRET_KEYS_MAX = 16
SAMPLE_WORDS = ("changeme", "change-me", "change_me", "secret", "password", "example", "sample", "default", "your-")


class ConfigError(Exception):
    """A setting or secret cannot be used; the text is one line with the place and the remedy."""


def _weakness(secret: str) -> str | None:
    if len(secret.encode()) < SECRET_BYTES_MIN:
        return f"is shorter than {SECRET_BYTES_MIN} bytes"
    if any(word in secret.casefold() for word in SAMPLE_WORDS):
        return "is a sample value"
    # A text that repeats a shorter one is found inside its own double before its end.
    if len(set(secret)) < SECRET_CHARACTERS_MIN or secret in (secret + secret)[1:-1]:
        return "repeats itself, so it can be guessed"
    return None


def _strong(secret: SecretStr) -> SecretStr:
    if weakness := _weakness(secret.get_secret_value()):
        raise ValueError(weakness)
    return secret


_Strong = Annotated[SecretStr, AfterValidator(_strong)]


class Secrets(BaseSettings):
    """What must not be read by others; the names in .env are those of the fields in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, env_file_encoding="utf-8")

    secret_key: _Strong
    password_pepper: _Strong
    algorithm: Literal["HS256", "EdDSA"] = "HS256"
    access_token_expire_minutes: int = Field(15, ge=1, le=1440)
    old_secret_keys: Annotated[tuple[_Strong, ...], NoDecode] = Field((), max_length=OLD_SECRET_KEYS_MAX)

    @field_validator("old_secret_keys", mode="before")
    @classmethod
    def _between_commas(cls, given: object) -> object:
        return tuple(one.strip() for one in given.split(",") if one.strip()) if isinstance(given, str) else given


_Layer = dict[str, dict[str, object]]
_Place = Callable[[str, str], str]


def load_settings(
    config_file: Path | None,
    environ: Mapping[str, str],
    *,
    data_dir: str | None = None,
    host: str | None = None,
    port: int | None = None,
) -> Settings:
    """Return the settings; `config_file` None means ./config.toml, which may be missing, flags are None where not given.

    Raises:
        ConfigError: unknown key, wrong type or out of range, in whichever layer; the text names file and line,
            variable or flag.
    """
    flags: _Layer = {}
    for section, key, given in (("data", "dir", data_dir), ("server", "host", host), ("server", "port", port)):
        if given is not None:
            flags.setdefault(section, {})[key] = str(given)
    layers = (
        _from_file(config_file or CONFIG_FILE, required=config_file is not None),
        _from_environment(environ),
        _checked(flags, lambda section, key: "--data" if section == "data" else f"--{key}", strict=False),
    )
    merged = {name: {key: value for layer in layers for key, value in layer.get(name, {}).items()} for name in SECTIONS}
    settings = Settings.model_validate(merged)
    _require_order(settings)
    _require_reserve(settings)
    return settings


def _from_file(path: Path, *, required: bool) -> _Layer:
    try:
        text = path.read_bytes().decode()
        tree = tomllib.loads(text)
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{path}: no such file; name an existing one with --config") from None
        return {}
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError(f"{path}:{line[1] if line else text.count(chr(10)) + 1}: {error}") from None

    def place(section: str, key: str) -> str:
        return f"{path}:{_line_of(text, section, key)}"

    for section, values in tree.items():
        _require_section(section, place(section, ""))
        if not isinstance(values, dict):
            raise ConfigError(f"{place(section, '')}: {section} is a section; write [{section}] and its keys below")
    return _checked(tree, place, strict=True)


def _line_of(text: str, section: str, key: str) -> int:
    """Return the line that sets the key, else the line that begins its section; tomllib keeps no lines."""
    wanted = f"{section}.{key}".rstrip(".")
    table, nearest = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        header = re.match(r"\s*\[+([^\]]+)\]", line)
        name = re.match(r"\s*([\w.\-\"' ]+?)\s*=", line)
        if header:
            table = here = re.sub(r"[\"'\s]", "", header[1])
        elif name:
            here = re.sub(r"[\"'\s]", "", f"{table}.{name[1]}").lstrip(".")
        else:
            continue
        if here == wanted:
            return number
        if wanted.startswith(f"{here}.") or here.startswith(f"{wanted}."):
            nearest = number
    return nearest


def _from_environment(environ: Mapping[str, str]) -> _Layer:
    layer: _Layer = {}
    for name in sorted(environ.keys() - CONSOLE_VARIABLES):
        if name.startswith(PREFIX):
            section, _, key = name.removeprefix(PREFIX).lower().partition("__")
            if not key or name != name.upper():
                raise ConfigError(f"{name}: unknown variable; settings are {PREFIX}<SECTION>__<KEY>")
            _require_section(section, name)
            layer.setdefault(section, {})[key] = environ[name]
    return _checked(layer, lambda section, key: f"{PREFIX}{section}__{key}".upper(), strict=False)


def _require_section(section: str, place: str) -> None:
    if section not in SECTIONS:
        raise ConfigError(f"{place}: unknown section {section}; known sections: {', '.join(SECTIONS)}")


def _checked(layer: _Layer, place: _Place, *, strict: bool) -> _Layer:
    """Return the layer with values of the right types; not strict: every value is text, as the environment has it."""
    checked: _Layer = {}
    for section, values in layer.items():
        model = SECTIONS[section]
        try:
            found = model.model_validate(values, strict=strict)
        except ValidationError as error:
            raise ConfigError(_complaint(section, error.errors(include_url=False)[0], place)) from None
        checked[section] = {key: getattr(found, key) for key in found.model_fields_set}
    return checked


def _complaint(section: str, error: ErrorDetails, place: _Place) -> str:
    key = str(error["loc"][0])
    at = place(section, key)
    if error["type"] == "extra_forbidden":
        return f"{at}: unknown key {section}.{key}; known keys: {', '.join(SECTIONS[section].model_fields)}"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{at}: {section}.{key} {message}, not {error['input']!r}"


def _require_order(settings: Settings) -> None:
    def value(name: str) -> float:
        section, _, key = name.partition(".")
        return cast("float", getattr(getattr(settings, section), key))

    for lesser, greater in ORDERED:
        if value(lesser) > value(greater):
            raise ConfigError(f"{lesser} ({value(lesser)}) is over {greater} ({value(greater)}); change one of them")


def _require_reserve(settings: Settings) -> None:
    kept, reserve = settings.log.disk_free_bytes_min, reserve_bytes(settings)
    if 0 < kept < reserve:
        raise ConfigError(
            f"log.disk_free_bytes_min ({kept}) is under {reserve}, which log.segment_bytes_max and store.batch_bytes_max take "
            "at the most; raise it, or set 0 to go on until the disk is full"
        )


def load_secrets(env_file: Path | None) -> Secrets:
    """Return the secrets of the environment of this process and of `env_file`; None means ./.env, which may be missing.

    Raises:
        ConfigError: a secret is missing, weak or a sample, or the file can be read by others.
    """
    path = env_file or ENV_FILE
    if path.exists():
        _require_private(path)
    elif env_file is not None:
        raise ConfigError(f"{path}: no such file; run `footfalld init`")
    try:
        secrets = Secrets(_env_file=path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except ValidationError as error:
        raise ConfigError(_secret_complaint(error.errors(include_url=False, include_input=False)[0], path)) from None
    _require_different(secrets, path)
    return secrets


def _require_different(secrets: Secrets, path: Path) -> None:
    if secrets.secret_key == secrets.password_pepper:
        raise ConfigError(f"{path}: SECRET_KEY and PASSWORD_PEPPER are the same; {_remedy(path, 'SECRET_KEY')}")
    others = {secrets.secret_key, secrets.password_pepper, *secrets.old_secret_keys}
    if len(others) < 2 + len(secrets.old_secret_keys):
        raise ConfigError(f"{path}: a text of OLD_SECRET_KEYS is there twice or is another secret; take it out there")


def _require_private(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    others = stat.S_IRWXG | stat.S_IRWXO
    if path.parent == Path(os.environ.get("CREDENTIALS_DIRECTORY", os.devnull)):
        # systemd may let the service read its credential by an ACL: the mode shows the ACL's mask as the group's bits.
        others &= ~stat.S_IRGRP
    if mode & others:
        raise ConfigError(f"{path}: others can read or change it (mode {mode:04o}); run `chmod 600 {path}`")


def _secret_complaint(error: ErrorDetails, path: Path) -> str:
    name = str(error["loc"][0]).upper()
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if len(error["loc"]) > 1:
        message = f"(text {int(error['loc'][1]) + 1}) {message}"
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown key {name}; known keys: {', '.join(Secrets.model_fields).upper()}"
    if error["type"] == "missing":
        return f"{path}: {name} is missing; {_remedy(path, name)}"
    if error["type"] == "value_error":
        return f"{path} or environment: {name} {message}; {_remedy(path, name)}"
    return f"{path} or environment: {name} {message}"


def _remedy(path: Path, name: str) -> str:
    if not path.exists():
        return "run `footfalld init`"
    if name == "OLD_SECRET_KEYS":
        return "take it out there"
    # init never touches an existing file, and moving it away would lose the pepper of every password with it.
    return f"run `footfalld init --env-file new.env` and copy {name} from there"
