"""`footfalld keys ls`, `rotate` and `drop`, on real files of secrets."""

import os
import secrets
from pathlib import Path

import pytest

from collector.adapters import keys_of
from collector.commands import exit_status, parser, run_init
from collector.config import OLD_SECRET_KEYS_MAX, Secrets, load_secrets
from collector.key_verbs import run_keys

ENV = Path(".env")


@pytest.fixture(autouse=True)
def _room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Secrets.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    run_init(parser().parse_args(["init"]))


def keys(*words: str) -> int:
    return exit_status(lambda: run_keys(parser().parse_args(["keys", *words]), keys_of))


def listed(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    capsys.readouterr()
    assert keys("ls") == 0
    return [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()[1:]]


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    before = ENV.read_bytes()
    capsys.readouterr()
    assert keys(*words) == 1
    assert ENV.read_bytes() == before
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("footfalld: ")


def write(text: str) -> None:
    ENV.write_text(text, encoding="utf-8")
    ENV.chmod(0o600)


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_c10_keys_are_rotated_listed_and_dropped(capsys: pytest.CaptureFixture[str], algorithm: str) -> None:
    write(ENV.read_text().replace("HS256", algorithm))
    ((first, *said),) = listed(capsys)
    assert said == [algorithm, "signs and verifies"]
    assert keys("rotate") == 0
    assert keys("rotate") == 0
    third, second, last = listed(capsys)
    assert (last[0], third[0] != second[0]) == (first, True)
    assert [one[2] for one in (third, second, last)] == ["signs and verifies", "verifies", "verifies"]
    assert keys("drop", first) == 0
    assert [one[0] for one in listed(capsys)] == [third[0], second[0]]
    assert keys("drop", second[0]) == 0
    assert [one[0] for one in listed(capsys)] == [third[0]]


def test_a_rotation_changes_nothing_else_in_the_file() -> None:
    key, pepper, old = (secrets.token_urlsafe(48) for _ in range(3))
    text = "# mine\n\nexport SECRET_KEY='{}'  # signs\n\n# more\nPASSWORD_PEPPER=\"{}\"\nold_secret_keys={}\nALGORITHM=EdDSA"
    write(text.format(key, pepper, old))
    assert keys("rotate") == 0
    found = load_secrets(ENV)
    assert [one.get_secret_value() for one in found.old_secret_keys] == [key, old]
    new = found.secret_key.get_secret_value()
    assert ENV.read_text() == (
        f'# mine\n\nSECRET_KEY={new}\n\n# more\nPASSWORD_PEPPER="{pepper}"\nOLD_SECRET_KEYS={key},{old}\nALGORITHM=EdDSA\n'
    )
    assert ENV.stat().st_mode & 0o777 == 0o600


def test_a_link_to_the_file_stays_one() -> None:
    ENV.rename("real.env")
    ENV.symlink_to("real.env")
    assert keys("rotate") == 0
    assert ENV.is_symlink()
    assert len(load_secrets(Path("real.env")).old_secret_keys) == 1


def test_no_key_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    before = load_secrets(ENV)
    keys("rotate")
    keys("ls")
    shown = "".join(capsys.readouterr())
    for each in (before, load_secrets(ENV)):
        assert each.secret_key.get_secret_value() not in shown
        assert each.password_pepper.get_secret_value() not in shown


def test_the_key_that_signs_is_not_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    ((kid, *_),) = listed(capsys)
    assert refusal(capsys, "drop", kid).startswith(f"{kid} is the key that signs; `footfalld keys rotate`")


@pytest.mark.parametrize("kid", ["", "unknown", "../.env", "\x1b[2J", "é"])
def test_an_unknown_key_is_not_dropped(capsys: pytest.CaptureFixture[str], kid: str) -> None:
    said = refusal(capsys, "drop", kid)
    assert said == f"there is no key {kid!a}; `footfalld keys ls` shows them"


def test_there_are_so_many_keys_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(OLD_SECRET_KEYS_MAX):
        assert keys("rotate") == 0
    assert "has 16 older keys; drop one with `footfalld keys drop KEY` first" in refusal(capsys, "rotate")


@pytest.mark.parametrize("name", ["SECRET_KEY", "OLD_SECRET_KEYS", "old_secret_keys"])
def test_a_key_of_the_environment_is_not_rotated_in_the_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, secrets.token_urlsafe(48))
    assert refusal(capsys, "rotate") == f"{name} stands in the environment, which wins over .env; change it there"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("'0123456789abcdefghijkl,mnopqrstuvwxyz'", "SECRET_KEY of .env has a comma, so it cannot be kept; "),
        (
            "'0123456789 abcdefghi #jklmnopqrstuvwxyz'",
            "SECRET_KEY and OLD_SECRET_KEYS cannot be written without quotes",
        ),
        ('"0123456789abcdefghi\\"jklmnopqrstuvwxyz"', None),
    ],
)
def test_a_key_of_ones_own_is_kept_as_it_is_or_not_at_all(
    capsys: pytest.CaptureFixture[str], key: str, expected: str | None
) -> None:
    write(f"SECRET_KEY={key}\nPASSWORD_PEPPER={secrets.token_urlsafe(48)}\n")
    if expected is not None:
        assert refusal(capsys, "rotate").startswith(expected)
        return
    before = load_secrets(ENV).secret_key
    assert keys("rotate") == 0
    assert load_secrets(ENV).old_secret_keys == (before,)


def test_a_file_of_somebody_else_is_left_to_him(capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(ENV, 1, 1)
    assert "belongs to user id 1" in refusal(capsys, "rotate")


@pytest.mark.parametrize("words", [("ls",), ("rotate",), ("drop", "x")])
def test_c9_unfit_secrets_are_refused_with_the_remedy(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    ENV.chmod(0o644)
    assert refusal(capsys, *words).endswith("run `chmod 600 .env`")
