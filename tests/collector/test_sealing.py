"""Sealing: unreadable without the secret, useless in another place, and nothing is taken that was changed."""

import base64

import msgspec
import pytest
from msgspec.structs import replace

from collector.sealing import SealBroken, Sealer
from storage.sealed import Sealed

SEALER = Sealer(b"a secret of the tests")
CONTENT = b"the seed of an authenticator"
PLACE = "otp:anna"


def test_what_was_sealed_is_read_again_after_its_way_through_a_file() -> None:
    stored = msgspec.json.encode(SEALER.seal(CONTENT, PLACE))
    assert CONTENT not in stored
    assert base64.b64encode(CONTENT) not in stored
    assert Sealer(b"a secret of the tests").unseal(msgspec.json.decode(stored, type=Sealed), PLACE) == CONTENT


def test_the_same_content_is_another_text_each_time() -> None:
    sealed = [SEALER.seal(CONTENT, PLACE) for _ in range(100)]
    assert len({one.nonce for one in sealed}) == len({one.ciphertext for one in sealed}) == 100


def test_in_another_place_it_cannot_be_read() -> None:
    sealed = SEALER.seal(CONTENT, PLACE)
    for place in ("otp:boris", "note:anna", "otp:ann", "otp:anna ", ""):
        with pytest.raises(SealBroken, match="changed"):
            SEALER.unseal(sealed, place)


def test_under_another_secret_it_cannot_be_read_and_the_error_names_the_keys() -> None:
    other = Sealer(b"another secret")
    sealed = SEALER.seal(CONTENT, PLACE)
    with pytest.raises(SealBroken, match=sealed.key_id):
        other.unseal(sealed, PLACE)
    with pytest.raises(SealBroken, match="changed"):
        other.unseal(replace(sealed, key_id=other.seal(b"", PLACE).key_id), PLACE)


SEALED = SEALER.seal(CONTENT, PLACE)
DAMAGED = {
    "ciphertext of another length": replace(SEALED, ciphertext=SEALED.ciphertext[:-1]),
    "no ciphertext": replace(SEALED, ciphertext=b""),
    "no nonce": replace(SEALED, nonce=b""),
    "a nonce of another length": replace(SEALED, nonce=SEALED.nonce + b"x"),
    "a nonce far too long": replace(SEALED, nonce=SEALED.nonce * 100),
    **{
        f"bit {bit} flipped": replace(
            SEALED, ciphertext=bytes(byte ^ (at == bit // 8) << bit % 8 for at, byte in enumerate(SEALED.ciphertext))
        )
        for bit in range(0, 8 * len(SEALED.ciphertext), 37)
    },
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_what_was_changed_is_not_read(damaged: Sealed) -> None:
    with pytest.raises(SealBroken, match="changed"):
        SEALER.unseal(damaged, PLACE)
