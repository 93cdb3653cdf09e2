"""New passwords: of any characters and long ones too, but none that a guesser tries first."""

import gzip
import time
from pathlib import Path

import pytest

from collector.identity import common_passwords
from collector.identity.accounts import Person
from collector.identity.password_rules import PasswordRules
from collector.wire.problem import BodyInvalid
from tests.collector.identity_site import ANNA, BORIS, PASSWORD, SITE_NAME, open_site

LIST = Path(common_passwords.__file__).with_name(common_passwords.LIST)
RULES = PasswordRules(length_min=8, site_name=SITE_NAME)
NOBODY = Person()


def refusal(password: str, person: Person = NOBODY) -> str | None:
    try:
        RULES.require_fit(password, person)
    except BodyInvalid as error:
        return error.errors[0].code
    return None


FITTING = {
    "8 characters": "vmq wzkr",
    "64 of ASCII": "aB3$" * 16,
    "64 of Cyrillic, 128 bytes": "я" * 64,
    "128 emoji, 512 bytes": "🙂" * 128,
    "4096 bytes": "x" * 4096,
    "4096 bytes of two each": "я" * 2048,
}


@pytest.mark.parametrize("password", FITTING.values(), ids=FITTING)
async def test_a4_a_password_of_any_length_within_the_limits_signs_in(tmp_path: Path, password: str) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up(password=password)
        assert (await site.sign_in(password=password)).status == 200
        assert (await site.sign_in(password=password[:-1])).status == 401


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_too_short"),
        ("vmq wzk", "password_too_short"),
        ("🙂" * 7, "password_too_short"),
        ("x" * 4097, "password_too_long"),
        ("я" * 2048 + "x", "password_too_long"),
    ],
)
async def test_a4_a_password_beyond_the_limits_is_refused(tmp_path: Path, password: str, code: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.post("/auth/signup", ANNA | {"password": password})
        assert answer.status == 422
        assert [(error["path"], error["code"]) for error in (await answer.json())["errors"]] == [("$.password", code)]


async def test_a5_no_end_of_a_long_password_is_cut_off(tmp_path: Path) -> None:
    long = "a" * 100
    async with open_site(tmp_path) as site:
        await site.sign_up(password=long)
        for other in (long[:99], long[:72], long.upper(), long + " ", long + "\0", long + "a"):
            assert (await site.sign_in(password=other)).status == 401
        assert (await site.sign_in(password=long)).status == 200


@pytest.mark.parametrize("length", [72, 73, 4096, 4097, 10_000])
async def test_a6_a_sign_in_with_a_password_of_any_length_is_only_a_wrong_one(tmp_path: Path, length: int) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        for nickname in ("anna", "nobody"):
            assert (await site.sign_in(nickname, "x" * length)).status == 401


COMMON = ["password1", "PASSWORD1", "12345678", "xxxxxxxx", "qwertyuiop", "iLoveYou1", "1q2w3e4r5t"]
"""On the list as they are, or in another case."""
CONTEXT = [
    *("anna1903", "ANNA2026!", "anna_123", "Ａｎｎａ1903"),  # noqa: RUF001 - look-alikes are the point
    *("ivanova1", "Ivanova!!", "ivanova 2026"),
    *("footfall", "FootFall2026", "turm café", "Turm Cafe\u03011", "TURM CAFÉ!"),
]


@pytest.mark.parametrize(
    ("password", "code"),
    [*[(one, "password_common") for one in COMMON], *[(one, "password_context") for one in CONTEXT]],
)
async def test_a7_a_password_that_is_guessed_first_is_refused(tmp_path: Path, password: str, code: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.post("/auth/signup", ANNA | {"password": password})
        assert answer.status == 422
        assert [(error["path"], error["code"]) for error in (await answer.json())["errors"]] == [("$.password", code)]
        assert password not in await answer.text()
        assert await site.users.by_nickname("anna") is None


@pytest.mark.parametrize("password", ["boris@example.org", "Boris@Example.ORG1", "borisboy7", "BorisBoy", "Petrov1970"])
async def test_a7_neither_an_address_nor_its_mailbox_is_a_password(tmp_path: Path, password: str) -> None:
    email = "borisboy@example.org" if "boy" in password.casefold() else "boris@example.org"
    async with open_site(tmp_path) as site:
        answer = await site.post("/auth/signup", BORIS | {"email": email, "password": password})
        assert answer.status == 422
        assert (await answer.json())["errors"][0]["code"] == "password_context"


@pytest.mark.parametrize("password", ["Password1", "administrator1", "footfall1"])
async def test_a7_an_administrator_is_held_to_the_same_rules(tmp_path: Path, password: str) -> None:
    async with open_site(tmp_path) as site:
        with pytest.raises(BodyInvalid, match=r"\$\.password"):
            await site.accounts.add_admin("administrator", password)
        assert await site.users.by_nickname("administrator") is None


def test_a7_a_name_that_ends_in_digits_is_known_without_them() -> None:
    anna = Person(nickname="anna7734")
    assert refusal("anna7735", anna) == refusal("anna7734", anna) == "password_context"


def test_a7_the_list_is_large_enough_for_its_norm() -> None:
    """ASVS 5.0, 6.2.4: the 3,000 most common that are long enough, at least; the notice says how they got here."""
    listed = gzip.decompress(LIST.read_bytes()).decode("ascii").splitlines()
    assert len(listed) == 16_285
    assert listed == sorted({one.casefold() for one in listed})
    assert min(map(len, listed)) == 8
    assert all(refusal(one) == "password_common" for one in listed[::97])
    assert "16,285 passwords" in LIST.with_name("common_passwords.NOTICE").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "password",
    [
        "spaces and letter so",
        "     a    b    c     ",
        "73910526481937",
        "zzzzvvvvzzzz",
        "☃☃☃☃☃☃☃☃",
        "anna and a few words more",
        "not footfall at all",
        "12345678 ",
        "password1\n",
        "12345678\n123456789",
    ],
)
async def test_a8_of_which_characters_a_password_is_does_not_matter(tmp_path: Path, password: str) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up(password=password)
        assert (await site.sign_in(password=password)).status == 200


async def test_a13_one_password_of_two_people_has_two_hashes(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        await site.sign_up(nickname="berta")
        stored = [await site.users.by_nickname(one) for one in ("anna", "berta")]
    hashes = {user.password_hash for user in stored if user is not None}
    assert len(hashes) == 2
    assert not any(PASSWORD in one for one in hashes)


def test_names_that_are_digits_and_signs_alone_forbid_nothing() -> None:
    assert refusal("73910526481937", Person(nickname="2026", firstname="-", lastname="!")) is None
    assert refusal("73910526481937", Person(nickname="7")) is None


def test_the_member_at_fault_is_the_one_that_was_sent() -> None:
    with pytest.raises(BodyInvalid) as raised:
        RULES.require_fit("short", NOBODY, member="new_password")
    assert [error.path for error in raised.value.errors] == ["$.new_password"]


@pytest.mark.parametrize("password", ["1" * 4095 + "a", "\u00bc" * 2047 + "a", "1a" * 2048, "-" * 4096])
def test_no_password_takes_the_time_that_others_wait_for(password: str) -> None:
    refusal(PASSWORD)  # reads the list
    begun_s = time.thread_time()
    refusal(password)
    assert time.thread_time() - begun_s < 0.02
