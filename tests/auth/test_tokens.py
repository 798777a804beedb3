import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from codelab.auth.errors import Unauthenticated
from codelab.auth.tokens import AccessTokens, Claims, new_token, token_hash
from codelab.kit.crypto import derive_key

SECRET = "the-current-secret-of-these-tests"
FORMER = "the-former-secret-of-these-tests"
KEY = derive_key(SECRET, "jwt")
TOKENS = AccessTokens((SECRET,), 900)


def issue(tokens: AccessTokens = TOKENS) -> str:
    return tokens.issue(user_id="u1", name="Anna", role="user", family_id="f1")


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token, some of them changed, or left out where None."""
    good = msgspec.structs.asdict(TOKENS.read(issue()))
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: dict[str, Any], header: dict[str, Any] | None = None) -> str:
    return jwt.encode(payload, KEY, algorithm="HS256", headers=header)


def raw(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def refused(token: str, tokens: AccessTokens = TOKENS) -> bool:
    try:
        tokens.read(token)
    except Unauthenticated as error:
        assert error.status == 401
        assert len(token) < 20 or token not in error.message
        return True
    return False


def test_a_token_says_who_it_is_for_and_lives_fifteen_minutes() -> None:
    read = TOKENS.read(issue())
    assert (read.sub, read.name, read.role, read.sid) == ("u1", "Anna", "user", "f1")
    assert (read.iss, read.aud) == ("codelab", "codelab")
    assert read.exp - read.iat == 900
    assert read.nbf == read.iat
    assert TOKENS.read(issue()).jti != read.jti


def test_the_changed_token_that_the_refusals_start_from_is_good() -> None:
    assert not refused(signed(claims()))


@pytest.mark.parametrize("name", Claims.__struct_fields__)
def test_every_claim_is_needed(name: str) -> None:
    assert refused(signed(claims(**{name: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": ["codelab", "another"]},
        {"aud": ["codelab"]},
        {"iss": "another"},
        {"role": "root"},
        {"sub": 7},
        {"sid": []},
        {"exp": "never"},
        {"more": "x"},
    ],
)
def test_wrong_claims_are_refused(changes: dict[str, Any]) -> None:
    assert refused(signed(claims(**changes)))


@pytest.mark.parametrize(
    "issued_at_s", [-901 - 5, -100_000, 60, 3600], ids=["expired", "long ago", "soon", "future"]
)
def test_a_token_of_another_time_is_refused(issued_at_s: int) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=issued_at_s)
    assert refused(issue(AccessTokens((SECRET,), 900, clock=lambda: moment)))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_each_claim_from_the_future_is_refused_by_itself(claim: str) -> None:
    assert refused(signed(claims(**{claim: int(datetime.now(UTC).timestamp()) + 60})))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "1"},
        {"kid": "../../dev/null"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "https://example.org/keys"},
        {"x5u": "https://example.org/cert"},
        {"crit": ["b64"]},
        {"zip": "DEF"},
    ],
)
def test_no_header_chooses_the_key(header: dict[str, Any]) -> None:
    assert refused(signed(claims(), header))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS384", "HS512", "RS256", "", None])
def test_another_algorithm_in_the_header_is_refused(algorithm: str | None) -> None:
    _, _, signature = signed(claims()).split(".")
    header = {"alg": algorithm, "typ": "JWT"}
    decoded = base64.urlsafe_b64decode(signature + "=")
    assert refused(raw(header, claims(), decoded))
    assert refused(raw(header, claims()))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_our_own_key_used_with_another_algorithm_is_refused(algorithm: str) -> None:
    key = KEY
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode(claims(), key, algorithm=algorithm)
    assert refused(token)


def test_a_token_signed_by_a_key_of_its_own_is_refused() -> None:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert refused(jwt.encode(claims(), own, algorithm="RS256"))
    assert refused(jwt.encode(claims(), b"x" * 32, algorithm="HS256"))
    assert refused(jwt.encode(claims(), SECRET.encode(), algorithm="HS256"))


def test_a_former_secret_still_verifies_and_no_longer_signs() -> None:
    before = AccessTokens((FORMER,), 900)
    after = AccessTokens((SECRET, FORMER), 900)

    assert after.read(issue(before)).sub == "u1"
    assert not refused(issue(after))
    assert refused(issue(after), before)
    assert refused(issue(before))


def test_a_very_long_token_is_refused_before_it_is_looked_at() -> None:
    assert refused(signed(claims(name="x" * 4000)))
    assert refused("x" * 10_000_000)


@pytest.mark.parametrize(
    "header", ['{"alg":' + "[" * 1400, '{"alg":"HS256","typ":"JWT","exp":' + "9" * 2500 + "}"]
)
def test_headers_that_are_hard_to_parse_are_refused(header: str) -> None:
    encoded = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    assert refused(f"{encoded}.e30.AAAA")


@given(st.text(max_size=200) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}"))
def test_anything_else_is_refused(text: str) -> None:
    assert refused(text)


@given(st.data())
def test_a_token_with_one_letter_changed_is_refused(data: st.DataObject) -> None:
    token = issue()
    # The last letter holds two bits that nobody reads.
    position = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.sampled_from("AZaz09-_.=").filter(lambda one: one != token[position]))
    assert refused(token[:position] + letter + token[position + 1 :])


def test_opaque_tokens_are_long_different_and_kept_as_hashes() -> None:
    one, other = new_token(), new_token()
    assert one != other
    assert len(base64.urlsafe_b64decode(one + "=")) == 32
    assert token_hash(one) == token_hash(one) != token_hash(other)
    assert one not in token_hash(one)
    assert len(token_hash("\ud800 any text")) == 64
