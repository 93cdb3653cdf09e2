"""What many users cost: the start, memory, a page of the list, and noting who was seen: `python -m bench.users [users]`."""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from bench import machine
from bench.figures import Figure, Report, aimed, as_text, compared
from bench.process import resident_mb
from storage.user import Session, User, encode
from storage.user_directory import place
from storage.user_files import UserFiles
from storage.user_list import ListedUser, UsersPage, UsersQuery

USERS = 100_000
ROUNDS = 3
SEEN = 10_000
"""Times a round notes that somebody was seen."""
TENTH = 10
START_S_MAX = 5.0
PAGE_MS_MAX = 100.0
"""For 10,000 users."""
CACHED_USERS_MAX = 1000
END = datetime(2026, 11, 21, tzinfo=UTC)
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


def user_figures(directory: Path, users: int) -> list[Figure]:
    """Return the figures of so many users, and of a tenth, in files below `directory`."""
    many, few = directory / "many" / "users", directory / "few" / "users"
    write_users(many, users)
    write_users(few, max(1, users // TENTH))
    start, (page, turn) = asyncio.run(_start(many, users)), asyncio.run(_pages(few))
    return [
        aimed(start, f"<= {START_S_MAX:g} s", met=start.value <= START_S_MAX),
        Figure(figure="  memory", value=_memory_mb(many), unit="MB"),
        aimed(page, f"<= {PAGE_MS_MAX:g} ms", met=page.value <= PAGE_MS_MAX),
        turn,
        *asyncio.run(_pages(many)),
        asyncio.run(_saw(few)),
    ]


def write_users(root: Path, count: int) -> None:
    """Write made-up users, each with up to two sessions."""
    dice = random.Random(count)
    for number in range(count):
        user = _user(dice, number)
        path = place(root, user.user_id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(encode(user))
    root.chmod(0o700)  # not by `parents`: those get the mode of the umask


def _user(dice: random.Random, number: int) -> User:
    created_at = END - timedelta(seconds=dice.randrange(10**8), microseconds=dice.randrange(10**6))
    sessions = [_session(dice, created_at) for _ in range(dice.randrange(3))]
    return User(
        user_id=f"{dice.getrandbits(128):032x}",
        role="user",
        created_at=created_at,
        password_hash="hmac-sha384+bcrypt$$2b$12$" + "x" * 53,
        nickname=f"Nick{number}",
        email=f"nick{number}@example.org" if number % 2 else None,
        firstname="Anna",
        lastname="Schmidt",
        age=30,
        sessions=tuple(sessions),
    )


def _session(dice: random.Random, created_at: datetime) -> Session:
    expires_at = created_at + timedelta(days=7)
    sid = f"{dice.getrandbits(128):032x}"
    return Session(sid=sid, created_at=created_at, expires_at=expires_at, peer="203.0.113.7", user_agent=AGENT)


async def _start(root: Path, users: int) -> Figure:
    """Return how long a start takes beside a program that reads and decodes the same files."""
    ours, plain = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        async with _opened(root):
            ours.append(time.perf_counter() - began)
        plain.append(_seconds(lambda: _read_plainly(root)))
    return compared(f"start with {users:,} users", "s", ours, plain)


def _memory_mb(root: Path) -> float:
    """Return by how much a start makes a new process grow."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_grown_mb, root).result()


def _grown_mb(root: Path) -> float:
    async def grown_mb() -> float:
        before = resident_mb(os.getpid())
        async with _opened(root):
            return resident_mb(os.getpid()) - before

    return asyncio.run(grown_mb())


def _read_plainly(root: Path) -> None:
    for directory, _, names in os.walk(root):
        for name in names:
            json.loads(Path(directory, name).read_bytes())


async def _pages(root: Path) -> tuple[Figure, Figure]:
    """Return how long a page takes beside a sort of all, with the longest turn that others wait for."""
    ours, plain, turns = [], [], []
    async with _opened(root) as users:
        for _ in range(ROUNDS):
            page, took_s, turn_s = await _page(users)
            ours.append(took_s * 1000)
            turns.append(turn_s * 1000)
            everybody = (await users.page(UsersQuery(limit=page.total))).users
            plain.append(1000 * _sort_s(everybody))
    of_all = compared(f"page of {page.total:,} users", "ms", ours, plain)
    return of_all, Figure(figure="  longest turn", value=max(turns), unit="ms")


def _sort_s(users: Sequence[ListedUser]) -> float:
    return _seconds(lambda: sorted(users, key=lambda one: one.created_at))


async def _page(users: UserFiles) -> tuple[UsersPage, float, float]:
    """Return a page, how long it took, and the longest turn meanwhile."""
    asked = asyncio.create_task(users.page(UsersQuery(sort="created", search="n")))
    began = turned = time.perf_counter()
    longest_s = 0.0
    while not asked.done():
        await asyncio.sleep(0)  # a turn of the loop, which is what is timed
        longest_s = max(longest_s, time.perf_counter() - turned)
        turned = time.perf_counter()
    return await asked, turned - began, longest_s


async def _saw(root: Path) -> Figure:
    """Return what noting who was seen costs beside putting the time into a dict."""
    times = [END + timedelta(microseconds=number) for number in range(ROUNDS * SEEN)]
    ours, plain = [], []
    noted: dict[str, datetime] = {}
    async with _opened(root) as users:
        somebody = (await users.page(UsersQuery())).users[0].user_id
        for at in range(0, len(times), SEEN):
            portion = times[at : at + SEEN]
            ours.append(_us_each(lambda one: users.saw(somebody, one), portion))
            plain.append(_us_each(lambda one: noted.update({somebody: one}), portion))
    return compared("noting who was seen", "us", ours, plain)


def _us_each(note: Callable[[datetime], None], times: list[datetime]) -> float:
    began = time.perf_counter()
    for one in times:
        note(one)
    return (time.perf_counter() - began) / len(times) * 1e6


def _opened(root: Path) -> UserFiles:
    return UserFiles(root, cached_users_max=CACHED_USERS_MAX)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(argv: list[str]) -> None:
    """Print the figures."""
    with machine.new_directory(Path()) as directory:
        figures = user_figures(directory, int(argv[0]) if argv else USERS)
        print(as_text(Report(machine.machine(directory), {}, figures, [])))


if __name__ == "__main__":
    main(sys.argv[1:])
