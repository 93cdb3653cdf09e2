"""Keys made of a lasting secret: what lies on disks under them must still be known by the next version."""

import pytest

from storage.audit_file import audit_key
from storage.derived_key import derived_key
from storage.suppression import erasure_key

SECRET = "a pepper of the tests: 0123456789abcdef"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (erasure_key(SECRET), "0a19312f7bce795c204514c4dfc4ec6a83ce7e94d977ecdbec695ddffc582630"),
        (audit_key(SECRET).hex(), "d675ac9781c45d65c709d51cf2d0ea56abbaede53bd6c26041bef2112cc77851"),
    ],
)
def test_the_key_of_what_is_kept_for_years_never_changes(key: str, expected: str) -> None:
    assert key == expected


def test_every_purpose_and_every_secret_has_a_key_of_its_own() -> None:
    keys = {derived_key(secret, purpose) for secret in (SECRET, SECRET[1:]) for purpose in ("erasure", "audit", "")}
    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}
