import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.crypto import Cipher, SealBroken, Signer, derive_key

OLD, NEW = "the first secret of the installation", "the second secret of the installation"
CIPHER = Cipher([OLD])


@given(plaintext=st.binary(max_size=2000), context=st.text(max_size=80))
def test_what_was_sealed_opens_again(plaintext: bytes, context: str) -> None:
    sealed = CIPHER.seal(plaintext, context)
    assert CIPHER.open(sealed, context) == plaintext
    assert len(plaintext) < 8 or plaintext not in sealed


@given(plaintext=st.binary(max_size=200))
def test_equal_plaintexts_differ_when_sealed(plaintext: bytes) -> None:
    assert CIPHER.seal(plaintext, "a") != CIPHER.seal(plaintext, "a")


@given(plaintext=st.binary(max_size=60), data=st.data())
def test_any_flipped_bit_is_an_error(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(CIPHER.seal(plaintext, "a"))
    position = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[position // 8] ^= 1 << position % 8
    with pytest.raises(SealBroken):
        CIPHER.open(bytes(sealed), "a")


@given(plaintext=st.binary(max_size=60), data=st.data())
def test_a_value_that_was_cut_off_is_an_error(plaintext: bytes, data: st.DataObject) -> None:
    sealed = CIPHER.seal(plaintext, "a")
    with pytest.raises(SealBroken):
        CIPHER.open(sealed[: data.draw(st.integers(0, len(sealed) - 1))], "a")


def test_a_value_that_was_moved_to_another_row_is_an_error() -> None:
    sealed = CIPHER.seal(b"answer", "approvals.feedback:1")
    with pytest.raises(SealBroken):
        CIPHER.open(sealed, "approvals.feedback:2")


def test_keys_rotate_and_old_values_stay_readable() -> None:
    sealed = CIPHER.seal(b"from before", "a")
    rotated = Cipher([NEW, OLD])
    assert rotated.open(sealed, "a") == b"from before"
    assert not rotated.is_current(sealed)
    assert rotated.is_current(rotated.seal(b"from now", "a"))
    with pytest.raises(SealBroken, match="key that is not configured"):
        Cipher([NEW]).open(sealed, "a")


def test_keys_for_different_purposes_are_unrelated() -> None:
    keys = {derive_key(secret, purpose) for secret in (OLD, NEW) for purpose in ("one", "two")}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)
    assert derive_key(OLD, "one") == derive_key(OLD, "one")


@given(text=st.text(max_size=80), other=st.text(max_size=80))
def test_a_signature_is_for_its_text_key_and_purpose(text: str, other: str) -> None:
    signature = Signer([OLD], "one").sign(text)
    assert Signer([OLD], "one").signed(text, signature) == 0
    assert (Signer([OLD], "one").signed(other, signature) == 0) is (other == text)
    assert Signer([OLD], "one").signed(text, other) is None
    assert Signer([OLD], "two").signed(text, signature) is None
    assert Signer([NEW], "one").signed(text, signature) is None


def test_a_former_key_signs_nothing_and_still_counts() -> None:
    rotated = Signer([NEW, OLD], "one")
    former = Signer([OLD], "one").sign("text")
    assert rotated.signed("text", former) == 1
    assert rotated.signed("text", former, oldest=0) is None
    assert rotated.sign("text") == Signer([NEW], "one").sign("text")
