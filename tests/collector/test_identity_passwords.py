"""Passwords: no end is cut off, nothing is kept that could be read, wrong ones take as long as unknown names."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest

from collector.identity.errors import HashQueueFull
from collector.identity.passwords import Passwords
from storage.errors import UserFileCorrupt
from tests.collector.identity_site import PEPPER, open_site

STORED = re.compile(r"bcrypt-hmac-sha384\$2b\$04\$[./A-Za-z0-9]{53}")


def pool(*, pepper: bytes = PEPPER, cost: int = 4, threads: int = 2, queue_max: int = 64) -> Passwords:
    return Passwords(pepper, cost=cost, threads=threads, queue_max=queue_max)


async def test_a13_the_hash_names_its_scheme_and_has_a_salt_of_its_own() -> None:
    async with pool() as passwords:
        first, second = await passwords.hash("secret word"), await passwords.hash("secret word")
    assert STORED.fullmatch(first)
    assert first != second


@pytest.mark.parametrize(
    "password",
    ["a" * 72, "a" * 73, "a" * 4096, "я" * 64, "🙂" * 128, "nul\0inside", "\0", "ends with a space "],
    ids=["72", "73", "4096", "cyrillic", "emoji", "nul inside", "nul", "space"],
)
async def test_a_password_of_any_characters_is_right_to_its_last_one(password: str) -> None:
    async with pool() as passwords:
        stored = await passwords.hash(password)
        assert await passwords.verify(password, stored)
        for other in (password[:-1], password + "a", password + " ", password + "\0", password[:-1] + "b", ""):
            assert not await passwords.verify(other, stored)


async def test_without_the_pepper_no_password_is_right() -> None:
    async with pool() as passwords, pool(pepper=b"another pepper") as others:
        assert not await others.verify("secret word", await passwords.hash("secret word"))


async def test_without_a_stored_hash_no_password_is_right() -> None:
    async with pool() as passwords:
        assert not await passwords.verify("secret word", None)
        assert not await passwords.verify("", None)


@pytest.mark.parametrize("stored", ["", "secret", "$2b$04$" + "a" * 53, "bcrypt-hmac-sha384$2b$99$" + "a" * 53])
async def test_a_stored_hash_of_no_known_scheme_is_an_error_not_a_wrong_password(stored: str) -> None:
    async with pool() as passwords:
        with pytest.raises(UserFileCorrupt):
            await passwords.verify("secret word", stored)


async def test_a_hash_of_another_cost_or_kind_is_outdated() -> None:
    async with pool() as passwords:
        stored = await passwords.hash("secret word")
        assert not passwords.outdated(stored)
        assert pool(cost=5).outdated(stored)
        older = stored.replace("$2b$", "$2a$")
        assert passwords.outdated(older)
        assert await passwords.verify("secret word", older)


async def test_more_passwords_than_threads_and_queue_hold_are_refused_at_once() -> None:
    async with pool(cost=10, threads=1, queue_max=2) as passwords:
        outcomes = await asyncio.gather(*(passwords.hash("secret word") for _ in range(5)), return_exceptions=True)
        assert [isinstance(one, HashQueueFull) for one in outcomes] == [False, False, False, True, True]
        await passwords.hash("there is room again")


async def test_a_caller_that_leaves_gives_its_place_back() -> None:
    async with pool(cost=8, threads=1, queue_max=1) as passwords:
        for _ in range(5):
            waiting = [asyncio.ensure_future(passwords.hash("secret word")) for _ in range(2)]
            await asyncio.sleep(0)  # both are asked for
            for one in waiting:
                one.cancel()
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError) for one in outcomes)
            # The hash that had begun runs on; nobody else does.
            async with asyncio.timeout(10):
                while isinstance((await asyncio.gather(passwords.hash("x"), return_exceptions=True))[0], HashQueueFull):
                    await asyncio.sleep(0)  # between two looks, until the deadline


class Spent:
    """The rounds of bcrypt that were spent since they were last asked for, and the costs that they were spent at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._costs: list[int] = []
        for name in ("checkpw", "hashpw"):
            monkeypatch.setattr(bcrypt, name, self._counted(getattr(bcrypt, name)))

    def _counted(self, call: Callable[[bytes, bytes], object]) -> Callable[[bytes, bytes], object]:
        def counted(password: bytes, salt: bytes) -> object:
            self._costs.append(int(salt.split(b"$")[2]))
            return call(password, salt)

        return counted

    def taken(self) -> tuple[int, int]:
        """Return the cost of the first hash, and the rounds of all."""
        costs, self._costs = self._costs, []
        return costs[0], sum(2**cost for cost in costs)


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Spent:
    return Spent(monkeypatch)


async def test_b3_in_an_empty_store_a_sign_in_takes_one_hash(tmp_path: Path, spent: Spent) -> None:
    async with open_site(tmp_path, cost=6) as site:
        assert spent.taken() == (6, 2**6), "the hash that unknown names are checked against"
        assert (await site.sign_in("nobody")).status == 401
        assert spent.taken() == (6, 2**6)


async def test_b3_an_unknown_name_and_a_wrong_password_take_one_hash_each(tmp_path: Path, spent: Spent) -> None:
    async with open_site(tmp_path, cost=6) as site:
        await site.sign_up()
        spent.taken()
        for nickname in ("anna", "nobody") * 3:
            assert (await site.sign_in(nickname, "wrong password")).status == 401
            assert spent.taken() == (6, 2**6)


@pytest.mark.parametrize(("stored", "configured"), [(4, 7), (6, 7), (7, 4), (7, 6)])
async def test_b3_a_stored_hash_of_another_cost_tells_nobody_whose_it_is(
    tmp_path: Path, spent: Spent, stored: int, configured: int
) -> None:
    async with open_site(tmp_path, cost=stored) as site:
        await site.sign_up()
    async with open_site(tmp_path, cost=configured) as site:
        await site.sign_up(nickname="late")
        spent.taken()
        first_costs = []
        for nickname in ("anna", "nobody", "late"):
            assert (await site.sign_in(nickname, "wrong password")).status == 401
            cost, rounds = spent.taken()
            first_costs.append(cost)
            assert rounds == 2 ** max(stored, configured)
        assert first_costs == [stored, configured, configured]


async def test_a13_a_raised_cost_hashes_anew_at_the_next_sign_in(tmp_path: Path) -> None:
    async with open_site(tmp_path, cost=4) as site:
        await site.sign_up()
    async with open_site(tmp_path, cost=5) as site:
        assert (await site.sign_in(password="wrong password")).status == 401
        before = await site.users.by_nickname("anna")
        assert before is not None
        assert "$2b$04$" in before.password_hash
        assert (await site.sign_in()).status == 200
        after = await site.users.by_nickname("anna")
        assert after is not None
        assert "$2b$05$" in after.password_hash
        assert (await site.sign_in()).status == 200


async def test_a_full_queue_answers_503_and_when_to_come_back(tmp_path: Path) -> None:
    async with open_site(tmp_path, cost=9, threads=1, queue_max=1) as site:
        await site.sign_up()
        answers = await asyncio.gather(*(site.sign_in() for _ in range(12)))
        assert {answer.status for answer in answers} == {200, 503}
        refused = next(answer for answer in answers if answer.status == 503)
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await refused.json())["code"] == "hash_queue_full"
        assert (await site.sign_in()).status == 200
