"""`footfalld keys ls`, `rotate` and `drop`: the keys of access tokens, in the file of secrets."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from collector.columns import write_columns
from collector.config import ENV_FILE, OLD_SECRET_KEYS_MAX, Secrets, load_secrets
from collector.data_directory import require_owner
from collector.env_file import new_secret, with_values
from collector.errors import CommandError
from collector.identity.signing_keys import SigningKey
from storage.files import replace_file

KeysOf = Callable[[Secrets], Sequence[SigningKey]]
"""Gives the keys of secrets: the one that signs, then the older ones."""

COLUMNS = ("key", "algorithm", "use")
NAMES = ("SECRET_KEY", "OLD_SECRET_KEYS")


def add_verbs(root: "argparse._SubParsersAction[argparse.ArgumentParser]", flags: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of `footfalld`."""
    verbs = root.add_parser("keys", help="the keys of access tokens").add_subparsers(required=True, metavar="VERB")
    listing = verbs.add_parser("ls", parents=[flags], help="show them by their ids")
    listing.set_defaults(verb="keys ls")
    rotate = verbs.add_parser("rotate", parents=[flags], help="sign with a new one; the others still verify")
    rotate.set_defaults(verb="keys rotate")
    drop = verbs.add_parser("drop", parents=[flags], help="verify with an older one no longer")
    drop.add_argument("kid", metavar="KEY", help="its id, as `footfalld keys ls` shows it")
    drop.set_defaults(verb="keys drop")


def run_keys(arguments: argparse.Namespace, keys_of: KeysOf) -> None:
    """Run one of the verbs; what is changed counts from the daemon's next start on."""
    env_file = arguments.env_file or ENV_FILE
    secrets = load_secrets(env_file)
    keys = keys_of(secrets)
    match arguments.verb:
        case "keys ls":
            write_columns(COLUMNS, map(_row, keys, ["signs and verifies"] + ["verifies"] * len(keys[1:])))
        case "keys rotate":
            _rotate(env_file, secrets)
            print(f"{keys_of(load_secrets(env_file))[0].kid} signs, {keys[0].kid} verifies from the next start on")
        case _:
            _drop(env_file, secrets, _place(arguments.kid, keys))
            print(f"{arguments.kid} verifies nothing from the next start on")


def _row(key: SigningKey, use: str) -> tuple[str, ...]:
    return key.kid, key.algorithm, use


def _rotate(env_file: Path, secrets: Secrets) -> None:
    olds = _olds(secrets)
    if len(olds) == OLD_SECRET_KEYS_MAX:
        raise CommandError(f"{env_file} has {len(olds)} older keys; drop one with `footfalld keys drop KEY` first")
    old = secrets.secret_key.get_secret_value()
    if "," in old:
        raise CommandError(f"SECRET_KEY of {env_file} has a comma, so it cannot be kept; put a new one in its place")
    _write(env_file, new_secret(), [old, *olds])


def _drop(env_file: Path, secrets: Secrets, place: int) -> None:
    olds = _olds(secrets)
    del olds[place - 1]
    _write(env_file, secrets.secret_key.get_secret_value(), olds)


def _place(kid: str, keys: Sequence[SigningKey]) -> int:
    place = next((number for number, key in enumerate(keys) if key.kid == kid), None)
    if place is None:
        raise CommandError(f"there is no key {kid!a}; `footfalld keys ls` shows them")
    if place == 0:
        raise CommandError(f"{kid} is the key that signs; `footfalld keys rotate` puts another one in its place")
    return place


def _olds(secrets: Secrets) -> list[str]:
    return [one.get_secret_value() for one in secrets.old_secret_keys]


def _write(env_file: Path, signing: str, olds: Sequence[str]) -> None:
    for name in os.environ:
        if name.upper() in NAMES:
            raise CommandError(f"{name} stands in the environment, which wins over {env_file}; change it there")
    path = env_file.resolve()  # the file itself, where a link leads to it
    require_owner(path)
    text = with_values(path.read_text(encoding="utf-8"), dict(zip(NAMES, (signing, ",".join(olds)), strict=True)))
    replace_file(path, text.encode())
