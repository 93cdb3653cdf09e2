"""docs/accounts.md, pasted into a shell against a real daemon: one user from its sign-up to its end."""

import re
from pathlib import Path

from tests.house.daemon import Daemon
from tests.house.shell import Shell, newcomer
from tests.needs import need_program

PAGE = (Path(__file__).parents[2] / "docs" / "accounts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8080"

EXPECTED: list[tuple[str, ...]] = [
    (),
    ('"jwt_token":"', '"refresh_token":"', '"role":"user","nickname":"augusta"'),
    ('"email":"grace@example.org","firstname":"Grace","lastname":"Hopper"',),
    ('"status":401,"code":"credentials_wrong"',),
    ('"age":36', '"age":37', '"status":412,"code":"precondition_failed"'),
    ('"email":"ada@example.org"',),
    ('"password_changed_at":"', '"status":401,"code":"invalid_token"'),
    ('"current":true', '"current":false', "204"),
    ('"jwt_token":"', '"refresh_token":"', '"token_type":"Bearer"'),
    ('"nickname":"augusta"',),
    (
        '"event":"user_created"',
        '"event":"authn_login_fail"',
        '"event":"authn_password_change"',
        '"event":"user_updated"',
        '"event":"sensitive_read"',
    ),
    ("204", '"status":401,"code":"invalid_token"'),
    ("204", '"status":401,"code":"credentials_wrong"'),
]
"""What each block of the page shows."""


def test_the_page_works_as_pasted(tmp_path: Path) -> None:
    need_program("curl")
    assert len(BLOCKS) == len(EXPECTED)
    with Daemon(tmp_path) as daemon:
        daemon.run("init")
        daemon.start()
        with Shell(tmp_path, newcomer(tmp_path, daemon.url)) as shell:
            for block, expected in zip(BLOCKS, EXPECTED, strict=True):
                shown = shell.paste(block.replace(ADDRESS, daemon.url))
                assert [words for words in expected if words not in shown] == [], shown


def test_the_page_names_the_address_that_make_run_serves_once() -> None:
    assert PAGE.count("127.0.0.1:8080") == PAGE.count(f"url={ADDRESS}\n") == 1
