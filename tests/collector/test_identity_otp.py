"""The second factor: from its set-up over sign-ins to its end, and what an attacker gets out of it."""

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import pyotp
import pytest
from aiohttp import ClientResponse

from collector.identity.second_factor import SETUP_S
from storage.user import User
from tests.collector.identity_site import PASSWORD, SHIPPED_RATES, Site, bearer, open_site

STEP_S = 30
DAY_S = 86_400


class Anna:
    """A user with an authenticator app."""

    def __init__(self, site: Site, envelope: dict[str, Any]) -> None:
        self.site = site
        self.token = envelope["jwt_token"]
        self.user_id = envelope["user"]["user_id"]
        self.secret = ""
        self.recovery_codes: list[str] = []

    async def ask(self, method: str, path: str, **members: object) -> ClientResponse:
        return await self.site.client.request(method, path, json=members, headers=bearer(self.token))

    async def begin(self, **members: object) -> ClientResponse:
        answer = await self.ask("POST", "/auth/otp", **({"password": PASSWORD} | members))
        if answer.status == 200:
            self.secret = (await answer.json())["secret"]
        return answer

    async def confirm(self, otp: str) -> ClientResponse:
        return await self.ask("POST", "/auth/otp/confirm", otp=otp)

    async def end(self, **members: object) -> ClientResponse:
        return await self.ask("DELETE", "/auth/otp", **members)

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(self.site.clock.now, counter_offset=steps)

    def wrong_code(self) -> str:
        """Return what no step around this moment has."""
        near = {self.code(steps) for steps in range(-2, 3)}
        return next(code for code in map("{:06}".format, range(6)) if code not in near)

    async def sign_in(self, otp: object, password: str = PASSWORD) -> ClientResponse:
        return await self.site.post("/auth/signin", {"nickname": "anna", "password": password, "otp": otp})

    async def stored(self) -> User:
        user = await self.site.users.by_id(self.user_id)
        assert user is not None
        return user


async def with_app(site: Site) -> Anna:
    """Sign Anna up, switch her app on, and go on to the next code."""
    anna = Anna(site, await site.sign_up())
    assert (await anna.begin()).status == 200
    answer = await anna.confirm(anna.code())
    assert answer.status == 200
    anna.recovery_codes = (await answer.json())["recovery_codes"]
    site.clock.advance(STEP_S)
    return anna


async def code_of(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


OTP_INVALID = (401, "otp_invalid")
OTP_WRONG = (403, "otp_wrong")
RATE_LIMITED = (429, "rate_limited")


async def test_a_sign_in_asks_for_the_code_once_the_app_is_confirmed(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        answer = await anna.begin()
        assert answer.headers["Cache-Control"] == "no-store"
        setup = await answer.json()
        assert len(base64.b32decode(setup["secret"])) == 20
        assert setup["uri"] == f"otpauth://totp/Turm%20Caf%C3%A9:anna?secret={setup['secret']}&issuer=Turm%20Caf%C3%A9"
        assert (await site.sign_in()).status == 200
        confirmed = await anna.confirm(anna.code())
        assert len(set((await confirmed.json())["recovery_codes"])) == 10
        refused = await site.sign_in()
        assert await code_of(refused) == (401, "otp_required")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        site.clock.advance(STEP_S)
        envelope = await (await anna.sign_in(anna.code())).json()
        assert (await site.me(envelope["jwt_token"])).status == 200


async def test_it_counts_after_a_restart_too(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
    async with open_site(tmp_path, clock=site.clock) as site:
        anna.site = site
        assert await code_of(await site.sign_in()) == (401, "otp_required")
        assert (await anna.sign_in(anna.code())).status == 200
        assert await code_of(await anna.sign_in(anna.code())) == OTP_INVALID


@pytest.mark.parametrize("otp", [None, ""])
async def test_no_code_is_asked_for_and_not_counted(tmp_path: Path, otp: str | None) -> None:
    async with open_site(tmp_path, rates=SHIPPED_RATES) as site:
        anna = await with_app(site)
        for _ in range(8):
            assert await code_of(await anna.sign_in(otp)) == (401, "otp_required")
        assert (await anna.sign_in(anna.code())).status == 200


async def test_b2_with_a_wrong_password_nothing_tells_that_there_is_a_second_factor(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        await site.sign_up(nickname="berta")
        answers = [
            await site.post("/auth/signin", {"nickname": nickname, "password": "wrong password"} | otp)
            for nickname in ("anna", "berta", "nobody")
            for otp in ({}, {"otp": anna.code()}, {"otp": "000000"}, {"otp": anna.recovery_codes[0]}, {"otp": None})
        ]
        seen = {
            (answer.status, await answer.read(), tuple(sorted(set(answer.headers) - {"Date"}))) for answer in answers
        }
        assert len(seen) == 1
        # Not used up by whoever does not know the password.
        assert (await anna.sign_in(anna.code())).status == 200


@pytest.mark.parametrize("otp", [1, True, [], {}, "1" * 65, 123456])
async def test_what_can_be_no_code_is_answered_422(tmp_path: Path, otp: object) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        answers = [await anna.sign_in(otp), await anna.end(password=PASSWORD, otp=otp)]
        answers.append(await anna.ask("POST", "/auth/otp/confirm", otp=otp))
        for answer in answers:
            assert await code_of(answer) == (422, "body_invalid")
            assert [error["path"] for error in (await answer.json())["errors"]] == ["$.otp"]


WRONG = ["x", "12345", "1234567", "-12345", "１２３４５６", "abcd-efgh-ijkl-mnop", " " * 64, "\0", "0x1234", "½½½½½½"]  # noqa: RUF001


@pytest.mark.parametrize("otp", WRONG)
async def test_what_is_no_code_of_ours_is_only_a_wrong_one(tmp_path: Path, otp: str) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        assert await code_of(await anna.sign_in(otp)) == OTP_INVALID
        assert await code_of(await anna.end(password=PASSWORD, otp=otp)) == OTP_WRONG
        assert (await anna.sign_in(anna.code())).status == 200


async def test_e6_a_code_is_taken_once(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        assert (await anna.sign_in(anna.code())).status == 200
        assert await code_of(await anna.sign_in(anna.code())) == OTP_INVALID
        # Nor one of before, which nobody used.
        assert await code_of(await anna.sign_in(anna.code(-1))) == OTP_INVALID


async def test_e6_of_ten_sign_ins_with_one_code_at_once_one_wins(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        answers = await asyncio.gather(*(anna.sign_in(anna.code()) for _ in range(10)))
        assert sorted(answer.status for answer in answers) == [200] + [401] * 9
        # One of the sign-up, one of the code.
        assert len((await anna.stored()).sessions) == 2


async def test_e6_the_code_of_the_set_up_signs_nobody_in(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        await anna.begin()
        code = anna.code()
        assert (await anna.confirm(code)).status == 200
        assert await code_of(await anna.sign_in(code)) == OTP_INVALID


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
async def test_e6_a_code_is_right_one_step_before_and_after_its_time(tmp_path: Path, steps: int, status: int) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        site.clock.advance(10 * STEP_S)
        assert (await anna.sign_in(anna.code(steps))).status == status


async def test_e7_six_wrong_codes_have_to_wait_as_six_wrong_passwords_do(tmp_path: Path) -> None:
    async with open_site(tmp_path, rates=SHIPPED_RATES) as site:
        anna = await with_app(site)
        for _ in range(5):
            assert await code_of(await anna.sign_in(anna.wrong_code())) == OTP_INVALID
        refused = await anna.sign_in(anna.code())
        assert await code_of(refused) == RATE_LIMITED
        assert int(refused.headers["Retry-After"]) >= 1
        site.clock.advance(STEP_S)
        assert (await anna.sign_in(anna.code())).status == 200


async def test_e7_wrong_passwords_and_wrong_codes_count_together(tmp_path: Path) -> None:
    async with open_site(tmp_path, rates=SHIPPED_RATES) as site:
        anna = await with_app(site)
        for _ in range(3):
            await anna.sign_in(anna.code(), "wrong password")
        for _ in range(2):
            # The right password between them makes nothing good.
            assert await code_of(await anna.sign_in(None)) == (401, "otp_required")
            assert await code_of(await anna.sign_in(anna.wrong_code())) == OTP_INVALID
        assert await code_of(await anna.sign_in(anna.code())) == RATE_LIMITED


async def test_e7_from_many_addresses_a_code_cannot_be_guessed_faster(tmp_path: Path) -> None:
    """All know the password here: 24 tries a day at last, whoever makes them."""
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        statuses = [(await anna.sign_in(anna.wrong_code())).status for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        waits = []
        for _ in range(14):
            refused = await anna.sign_in(anna.code())
            assert await code_of(refused) == RATE_LIMITED
            waits.append(int(refused.headers["Retry-After"]))
            site.clock.advance(waits[-1])
            assert (await anna.sign_in(anna.wrong_code())).status == 401
        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
        # The user itself is let in at once, since nobody guesses a recovery code.
        assert (await anna.sign_in(anna.recovery_codes[0])).status == 200
        site.clock.advance(STEP_S)
        assert (await anna.sign_in(anna.code())).status == 200


async def test_e7_of_wrong_codes_that_come_at_once_no_more_are_tried(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        answers = await asyncio.gather(*(anna.sign_in(anna.wrong_code()) for _ in range(20)))
        assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 15


async def test_e8_a_recovery_code_signs_in_once(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        first, second, *rest = anna.recovery_codes
        assert (await anna.sign_in(first)).status == 200
        assert await code_of(await anna.sign_in(first)) == OTP_INVALID
        assert (await anna.sign_in(second.upper().replace("-", ""))).status == 200
        assert len((await anna.stored()).second_factor.recovery) == len(rest) == 8  # type: ignore[union-attr]
        answers = await asyncio.gather(*(anna.sign_in(rest[0]) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200] + [401] * 4


async def test_e8_no_file_holds_a_code_or_what_makes_one(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        await anna.sign_in(anna.code())
        await anna.sign_in(anna.recovery_codes[0])
        secrets = [anna.secret.encode(), base64.b32decode(anna.secret), base64.b64encode(base64.b32decode(anna.secret))]
        secrets += [spelt.encode() for code in anna.recovery_codes for spelt in (code, code.replace("-", ""))]
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"second_factor" in content
    for secret in secrets:
        assert secret.lower() not in content.lower()


async def test_the_secret_of_one_user_is_useless_in_the_file_of_another(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        berta = (await site.sign_up(nickname="berta"))["user"]["user_id"]
        factor = (await anna.stored()).second_factor
        await site.users.update(berta, lambda user: type(user)(**{**fields(user), "second_factor": factor}))
        form = {"nickname": "berta", "password": PASSWORD, "otp": anna.code()}
        assert await code_of(await site.post("/auth/signin", form)) == (503, "account_unreadable")


async def test_an_administrator_takes_a_lost_second_factor_away_and_it_is_on_record(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        user_id = (await anna.stored()).user_id
        headers = bearer(await site.add_admin())
        report = await (await site.client.get(f"/admin/users/{user_id}", headers=headers)).json()
        assert report["has_second_factor"] is True
        for _ in range(2):
            answer = await site.client.delete(f"/admin/users/{user_id}/otp", headers=headers)
            assert answer.status == 204
        assert (await site.sign_in()).status == 200
        (row,) = [entry.row for entry in await site.audited(event="user_updated") if entry.row.actor != user_id]
        assert (row.subject, row.note) == (user_id, "second factor off")


def fields(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in user.__struct_fields__}


async def test_e3_a_token_alone_changes_no_second_factor(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        for password in ({}, {"password": None}):
            assert await code_of(await anna.ask("POST", "/auth/otp", **password)) == (403, "reauthentication_required")
        assert await code_of(await anna.begin(password="wrong password")) == (403, "password_wrong")
        assert (await anna.stored()).second_factor is None
        await anna.begin()
        await anna.confirm(anna.code())
        site.clock.advance(STEP_S)
        refused = (403, "reauthentication_required")
        assert await code_of(await anna.end()) == refused
        assert await code_of(await anna.end(otp=anna.code())) == refused
        assert await code_of(await anna.end(password=PASSWORD)) == refused
        assert await code_of(await anna.end(password="wrong password", otp=anna.code())) == (403, "password_wrong")
        assert await code_of(await anna.end(password=PASSWORD, otp=anna.wrong_code())) == OTP_WRONG
        assert (await anna.stored()).second_factor is not None
        assert (await anna.end(password=PASSWORD, otp=anna.code())).status == 204
        assert (await anna.stored()).second_factor is None
        assert (await site.sign_in()).status == 200


async def test_an_operator_takes_a_lost_second_factor_out_of_the_file(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
    (path,) = [one for one in (tmp_path / "users").rglob("*.json") if b"second_factor" in one.read_bytes()]
    members = json.loads(path.read_bytes())
    del members["second_factor"]
    path.write_text(json.dumps(members))
    async with open_site(tmp_path, clock=site.clock) as site:
        assert (await site.sign_in()).status == 200
        anna.site = site
        assert (await anna.begin()).status == 200


async def test_without_a_token_no_route_does_anything(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        for method, path in (("POST", "/auth/otp"), ("POST", "/auth/otp/confirm"), ("DELETE", "/auth/otp")):
            answer = await site.client.request(method, path, json={"password": PASSWORD, "otp": "123456"})
            assert await code_of(answer) == (401, "token_missing")


async def test_a_recovery_code_ends_the_second_factor_too(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        assert (await anna.end(password=PASSWORD, otp=anna.recovery_codes[3])).status == 204
        assert await code_of(await anna.end(password=PASSWORD, otp=anna.recovery_codes[4])) == (409, "otp_off")


async def test_the_order_of_the_steps_is_kept(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        assert await code_of(await anna.confirm("123456")) == (409, "otp_off")
        assert await code_of(await anna.end(password=PASSWORD)) == (409, "otp_off")
        await anna.begin()
        assert await code_of(await anna.confirm(anna.wrong_code())) == OTP_WRONG
        # Begun anew, the first secret is worth nothing.
        old_code = anna.code()
        await anna.begin()
        if old_code != anna.code():
            assert await code_of(await anna.confirm(old_code)) == OTP_WRONG
        assert (await anna.confirm(anna.code())).status == 200
        assert await code_of(await anna.begin()) == (409, "otp_on")
        assert await code_of(await anna.confirm(anna.code())) == (409, "otp_on")


async def test_a_set_up_that_was_not_confirmed_can_be_given_up(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        await anna.begin()
        assert (await anna.end(password=PASSWORD)).status == 204
        assert await code_of(await anna.confirm(anna.code())) == (409, "otp_off")


@pytest.mark.parametrize(("seconds", "status"), [(SETUP_S, 200), (SETUP_S + 1, 409)])
async def test_a_set_up_waits_ten_minutes_for_its_code(tmp_path: Path, seconds: int, status: int) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        await anna.begin()
        site.clock.advance(seconds)
        assert (await anna.confirm(anna.code())).status == status


async def test_e7_a_set_up_is_not_confirmed_by_guessing(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        await anna.begin()
        for _ in range(5):
            assert await code_of(await anna.confirm(anna.wrong_code())) == OTP_WRONG
        assert await code_of(await anna.confirm(anna.code())) == RATE_LIMITED


async def test_a_user_without_a_second_factor_may_send_a_code(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        assert (await anna.sign_in("123456")).status == 200


async def test_a_sign_in_that_hashes_anew_takes_the_code_too(tmp_path: Path) -> None:
    async with open_site(tmp_path, cost=4) as site:
        anna = await with_app(site)
    async with open_site(tmp_path, cost=5, clock=site.clock) as site:
        anna.site = site
        answers = await asyncio.gather(*(anna.sign_in(anna.recovery_codes[number]) for number in range(4)))
        assert [answer.status for answer in answers] == [200] * 4
        assert "$2b$05$" in (await anna.stored()).password_hash


async def test_f6_each_step_is_on_record(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = await with_app(site)
        await anna.sign_in(None)
        await anna.sign_in(anna.wrong_code())
        await anna.sign_in(anna.recovery_codes[0])
        await anna.end(password=PASSWORD, otp=anna.wrong_code())
        await anna.end(password=PASSWORD, otp=anna.code())
        rows = [entry.row for entry in await site.audited()]
    assert all(row.subject == anna.user_id for row in rows)
    assert [(row.event, row.outcome, row.note) for row in rows] == [
        ("user_created", "success", ""),
        ("user_updated", "success", "second factor on"),
        ("authn_login_fail", "failure", "second factor missing"),
        ("authn_login_fail", "failure", "second factor"),
        ("authn_login_successafterfail", "success", "1 wrong before, by recovery code, 9 left"),
        ("authn_login_fail", "failure", "second factor"),
        ("authz_fail", "failure", "DELETE /auth/otp"),
        ("user_updated", "success", "second factor off"),
    ]
    written = b"".join(path.read_bytes() for path in (tmp_path / "audit").iterdir())
    assert not any(code.encode() in written for code in [anna.secret, *anna.recovery_codes])


async def test_f8_what_cannot_be_put_on_record_is_taken_back(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna = Anna(site, await site.sign_up())
        await anna.begin()
        # No later write of this process reaches the file: its end is a device that is always full.
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), site.audit._file)
            assert await code_of(await anna.confirm(anna.code())) == (503, "audit_failed")
    async with open_site(tmp_path, clock=site.clock) as site:
        anna.site = site
        assert (await site.sign_in()).status == 200
        assert (await anna.confirm(anna.code())).status == 200
