"""The README's tour, pasted into a shell against a real daemon."""

import re
from pathlib import Path

from tests.house.daemon import Daemon, wait_for
from tests.house.shell import Shell, newcomer
from tests.needs import need_program

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8080"
SHOWN = re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

SIGN_UP, TOO_SHORT, TRACK, STATISTICS, TERMINAL = range(5)

EXPECTED = {
    SIGN_UP: ('"jwt_token":"', '"token_type":"Bearer"', '"role":"user","nickname":"ada"'),
    TOO_SHORT: ('"status":422', '"code":"password_too_short"', "at least 8 characters"),
    TRACK: (
        '{"status":"accepted"',
        '"accepted":2,"duplicate":1,"rejected":1',
        '"status":"duplicate","event_id":"order-17"',
        '"code":"wrong_type","path":"$[3].source_label"',
    ),
    STATISTICS: (
        '"page":"https://shop.example/resistors","visits":1,"visitors":1',
        '"page":"https://shop.example/cart","visits":1,"visitors":1',
        '"day":"',
        '"total_visits":2,"unique_users":1',
        '"source_label":"search_page"',
        '"source_label":"button_buy"',
    ),
    TERMINAL: ("added the administrator 'boss'", "signed in", "tracking        accepted", *SHOWN),
}


def missing(shown: str, number: int) -> list[str]:
    return [words for words in EXPECTED[number] if words not in shown]


def test_the_tour_works_as_pasted(tmp_path: Path) -> None:
    need_program("curl")
    assert len(BLOCKS) == len(EXPECTED)
    with Daemon(tmp_path) as daemon:
        daemon.run("init")
        daemon.start()
        take_the_tour(tmp_path, daemon)


def take_the_tour(root: Path, daemon: Daemon) -> None:
    with Shell(root, newcomer(root, daemon.url)) as shell:
        for number in (SIGN_UP, TOO_SHORT, TRACK):
            shown = shell.paste(BLOCKS[number].replace(ADDRESS, daemon.url))
            assert missing(shown, number) == [], shown
        # Visible within a second, says the README; a machine that runs tests may be slower.
        wait_for(lambda: missing(shell.paste(BLOCKS[STATISTICS]), STATISTICS) == [])
        shown = shell.paste(BLOCKS[TERMINAL])
        assert missing(shown, TERMINAL) == [], shown


def test_the_address_of_the_tour_is_the_one_that_make_run_serves() -> None:
    assert f"url={ADDRESS}" in BLOCKS[SIGN_UP]
    assert README.count("127.0.0.1:8080") == BLOCKS[SIGN_UP].count("127.0.0.1:8080") + 1
