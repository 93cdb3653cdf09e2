"""The file of secrets as verbs write it; `config` reads it."""

import io
import secrets
from collections.abc import Mapping

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from collector.errors import CommandError

SECRET_RANDOM_BYTES = 48


def new_secret() -> str:
    """Return a random text that needs no quotes."""
    return secrets.token_urlsafe(SECRET_RANDOM_BYTES)


def new_env_file() -> str:
    """Return the text of a file with new secrets."""
    return (
        "# Written by `footfalld init`. Keep it private; .env.example says what each line is.\n"
        f"SECRET_KEY={new_secret()}\nPASSWORD_PEPPER={new_secret()}\n"
        "ALGORITHM=HS256\nACCESS_TOKEN_EXPIRE_MINUTES=15\n"
    )


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Return a file's text with these values; its other lines, comments too, stay as they are.

    Raises:
        CommandError: a value would not be read back as it is.
    """
    lines, left = [], dict(values)
    for binding in parse_stream(io.StringIO(text)):
        name = (binding.key or "").upper()
        if name not in values:
            lines.append(binding.original.string)
        elif name in left:
            lines.append(f"{_blank(binding.original.string)}{name}={left.pop(name)}\n")
    before = "".join(lines)
    end = "" if before.endswith("\n") or not before else "\n"
    changed = before + end + "".join(f"{name}={value}\n" for name, value in left.items())
    if _read(changed) != {**_read(text), **values}:
        raise CommandError(f"{' and '.join(values)} cannot be written without quotes; change the file by hand")
    return changed


def _blank(line: str) -> str:
    """Return the empty lines that the parser takes for part of the line behind them."""
    return line[: len(line) - len(line.lstrip())]


def _read(text: str) -> dict[str, str | None]:
    return {name.upper(): value for name, value in dotenv_values(stream=io.StringIO(text)).items()}
