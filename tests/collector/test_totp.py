"""Codes of the moment, by the test vectors of the standards; sealing, and recovery codes."""

import base64
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from collector.identity import recovery_codes, totp
from collector.identity.otp_keys import OtpKeys

SECRET = b"12345678901234567890"
STEP = timedelta(seconds=30)

RFC_6238 = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
"""Appendix B, with SHA-1 and 8 digits; a code of 6 digits is their end (RFC 4226, section 5.3)."""
RFC_4226 = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
"""Appendix D: the codes of the steps from 0 on."""


@pytest.mark.parametrize(("at_s", "digits"), list(RFC_6238.items()))
def test_e6_the_codes_are_those_of_rfc_6238(at_s: int, digits: str) -> None:
    assert totp.step_of(SECRET, digits[-6:], datetime.fromtimestamp(at_s, UTC)) == at_s // 30


@pytest.mark.parametrize(("step", "code"), list(enumerate(RFC_4226)))
def test_e6_the_codes_are_those_of_rfc_4226(step: int, code: str) -> None:
    # At step 0 there is none before it to look at.
    at = datetime.fromtimestamp(30 * max(step, 1), UTC)
    assert totp.step_of(SECRET, code, at) == step
    assert totp.step_of(SECRET, f"{code[:3]} {code[3:]}", at) == step


@pytest.mark.parametrize(("off", "step"), [(-2, None), (-1, 37037037), (0, 37037037), (1, 37037037), (2, None)])
def test_e6_a_clock_may_be_one_step_off(off: int, step: int | None) -> None:
    at = datetime.fromtimestamp(1111111111, UTC)
    assert totp.step_of(SECRET, "050471", at + off * STEP) == step


@pytest.mark.parametrize(
    "otp",
    ["", "05047", "0504711", "050-471", " 050471", "050471\n", "０５０４７１", "٠٥٠٤٧١", "x" * 64],  # noqa: RUF001
)
def test_what_does_not_look_like_a_code_is_none(otp: str) -> None:
    assert not totp.is_code(otp)
    assert totp.step_of(SECRET, otp, datetime.fromtimestamp(1111111111, UTC)) is None


def test_a_secret_has_160_bits_and_is_shown_in_base32() -> None:
    first, second = totp.new_secret(), totp.new_secret()
    assert len(first) == 20
    assert first != second
    assert base64.b32decode(totp.shown(first)) == first


@pytest.mark.parametrize("account", ["anna", "boris@example.org", "a:b/c?d&e=f#g h", "Ğünter 雪"])
def test_the_address_for_the_app_names_site_and_account(account: str) -> None:
    parts = urlsplit(totp.uri(SECRET, account=account, site_name="Turm Café & Söhne"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == f"/Turm Café & Söhne:{account}"
    assert parse_qs(parts.query) == {"secret": [totp.shown(SECRET)], "issuer": ["Turm Café & Söhne"]}


def test_recovery_codes_are_ten_different_ones_of_80_bits() -> None:
    codes = recovery_codes.new_codes()
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code) for code in codes)
    assert {len(base64.b32decode(code.replace("-", "").upper())) for code in codes} == {10}


def test_e8_what_is_stored_of_a_recovery_code_needs_key_and_user() -> None:
    keys = OtpKeys("a pepper")
    stored = keys.mac("anna", "abcd-efgh-ijkl-mnop")
    assert re.fullmatch(r"[0-9a-f]{32}", stored)
    for spelling in ("ABCD-EFGH-IJKL-MNOP", "abcdefghijklmnop", "abcd efgh ijkl mnop"):
        assert keys.mac("anna", spelling) == stored
    others = [keys.mac("boris", "abcd-efgh-ijkl-mnop"), OtpKeys("another").mac("anna", "abcd-efgh-ijkl-mnop")]
    assert stored not in [*others, keys.mac("anna", "abcd-efgh-ijkl-mnoq")]
