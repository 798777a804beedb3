"""Sign-in and what it gives: access tokens, refresh tokens, WebSocket tickets."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

from codelab.auth import api_token_rows, families, policy, repository
from codelab.auth.accounts import Accounts
from codelab.auth.addresses import client_address, parse_networks, place
from codelab.auth.api_tokens import PREFIX, ApiTokens
from codelab.auth.errors import Unauthenticated
from codelab.auth.events import (
    PasswordChanged,
    RefreshTokenReused,
    UserSignedIn,
    UserSignedOut,
)
from codelab.auth.families import Reused, Rotated, Standing
from codelab.auth.identity import Principal, TokenPair, User
from codelab.auth.passwords import Passwords
from codelab.auth.preferences import StoredPreferences
from codelab.auth.proof import PasswordProof
from codelab.auth.repository import Account
from codelab.auth.settings import AuthSettings
from codelab.auth.standing import Standings
from codelab.auth.tokens import AccessTokens
from codelab.kit.db import Database, Transaction

_INTERNAL = Principal(user_id="internal", name="internal")


class Auth(Accounts):
    """The module's front door: the accounts and the ways to act as one.

    Args:
        db: The database; events follow its commits.
        settings: The secrets and lifetimes.
    """

    def __init__(self, db: Database, settings: AuthSettings) -> None:
        passwords = Passwords(
            memory_kib=settings.hash_memory_kib,
            rounds=settings.hash_rounds,
            slots=settings.hash_slots,
        )
        standings = Standings(db, settings.standing_ttl_s)
        proof = PasswordProof(db, passwords, settings.secrets[0])
        super().__init__(db, passwords, proof, standings)
        self.api_tokens = ApiTokens(db, standings)
        self.preferences = StoredPreferences(db)
        self._settings = settings
        self._tokens = AccessTokens(settings.secrets, settings.access_ttl_s)
        self._trusted = parse_networks(settings.trusted_proxies)

    async def sign_in(self, name: str, password: str, *, address: str = "") -> TokenPair:
        """Start a family of tokens for whoever knows the password.

        Args:
            address: The client's address, as `address_of` gives it.

        Raises:
            Unauthenticated: Name or password are wrong, or the user is disabled.
            SignInThrottled: There were too many wrong ones lately.
        """
        account = await self._proof.prove(name, password, address)
        async with self._db.transaction() as tx:
            return await self._open(tx, account, address)

    async def refresh(self, refresh_token: str, *, address: str = "") -> TokenPair:
        """Exchange a refresh token for a new pair; each works once.

        Raises:
            Unauthenticated: It is not valid; if it was used before, its whole family ends.
        """
        standing = None
        async with self._db.transaction() as tx:
            family_id = await families.family_of(tx, refresh_token) or ""
            outcome = await families.rotate(
                tx, family_id, refresh_token, self._settings.refresh_ttl_s
            )
            if isinstance(outcome, Rotated):
                standing = await families.standing_of_family(tx, family_id)
            if isinstance(outcome, Reused):
                tx.publish(
                    RefreshTokenReused(
                        user_id=outcome.user_id, address=address, family_id=family_id
                    )
                )
        # Raised only now: an error inside would roll the revocation back.
        if not isinstance(outcome, Rotated) or standing is None:
            self._standings.forget()
            raise Unauthenticated("The refresh token is not valid (any more). Sign in again.")
        return self._pair(standing, family_id, outcome.token)

    async def sign_out(self, who: Principal | str, *, address: str = "") -> bool:
        """End a sign-in, named by its principal or by one of its refresh tokens.

        Returns:
            Whether there was one to end.
        """
        async with self._db.transaction() as tx:
            if isinstance(who, Principal):
                family_id = who.family_id
            else:
                family_id = await families.family_of(tx, who) or ""
            user_id = await families.revoke_family(tx, family_id)
            if user_id is not None:
                tx.publish(UserSignedOut(user_id=user_id, address=address, family_id=family_id))
        self._standings.forget()
        return user_id is not None

    async def sign_out_everywhere(self, principal: Principal, *, address: str = "") -> None:
        """End all of a user's sign-ins, this one among them; API tokens stay."""
        async with self._db.transaction() as tx:
            await families.revoke_all(tx, principal.user_id)
            tx.publish(
                UserSignedOut(
                    user_id=principal.user_id,
                    address=address,
                    family_id=principal.family_id,
                    everywhere=True,
                )
            )
        self._standings.forget()

    async def authenticate(self, access_token: str) -> Principal:
        """Return whose access token it is, with the role that the user has now.

        Raises:
            Unauthenticated: The token, its sign-in or its user is no longer good.
        """
        if access_token.startswith(PREFIX):
            raise Unauthenticated("An API token opens /v1 only. Sign in for an access token.")
        claims = self._tokens.read(access_token)
        standing = await self._standings.of_family(claims.sid)
        if standing is None or standing.user_id != claims.sub:
            raise Unauthenticated("This sign-in has ended. Sign in again.")
        return _principal(standing, claims.sid, datetime.fromtimestamp(claims.exp, UTC))

    async def authenticate_api(self, token: str, *, address: str = "") -> Principal:
        """Return whose API token, or access token, it is: both open `/v1`.

        Raises:
            Unauthenticated: The token or its user is no longer good.
            SignInThrottled: There were too many wrong API tokens from this address lately.
        """
        if token.startswith(PREFIX):
            return await self.api_tokens.authenticate(token, address)
        return await self.authenticate(token)

    async def is_active(self, who: Principal | str) -> bool:
        """Tell whether a principal's sign-in or API token, or a user by id, may still act.

        The answer may be as old as `standing_ttl_s`.
        """
        if isinstance(who, Principal) and who.api_token_id:
            return await self.api_tokens.is_good(who.api_token_id)
        if isinstance(who, Principal) and who.family_id:
            return await self._standings.of_family(who.family_id) is not None
        user_id = who.user_id if isinstance(who, Principal) else who
        return await self._standings.of_user(user_id) is not None

    async def renewed(self, principal: Principal) -> Principal | None:
        """Return a principal with the role that the user has now; none: it may not act any more.

        The answer may be as old as `standing_ttl_s`.
        """
        standings, sign_in = self._standings, principal.family_id
        known = standings.of_family(sign_in) if sign_in else standings.of_user(principal.user_id)
        standing = await known
        if standing is None:
            return None
        return _principal(standing, sign_in, principal.token_expires_at)

    async def issue_ticket(self, principal: Principal) -> str:
        """Make a ticket that opens one WebSocket within seconds."""
        async with self._db.transaction() as tx:
            return await families.add_ticket(
                tx, principal.user_id, principal.family_id, self._settings.ticket_ttl_s
            )

    async def redeem_ticket(self, ticket: str) -> Principal:
        """Return whose ticket it was; it works once.

        Raises:
            Unauthenticated: It was used, is too old, or never was one; or its sign-in has ended.
        """
        standing = None
        async with self._db.transaction() as tx:
            owner = await families.take_ticket(tx, ticket)
            if owner is not None:
                user_id, family_id = owner
                standing = (
                    await families.standing_of_family(tx, family_id)
                    if family_id
                    else await families.standing_of_user(tx, user_id)
                )
        if owner is None or standing is None:
            raise Unauthenticated("The ticket is not valid (any more). Ask for a new one.")
        return _principal(standing, owner[1], None)

    async def change_password(
        self, principal: Principal, current: str, new: str, *, address: str = ""
    ) -> TokenPair:
        """Change one's own password; all sign-ins and API tokens end, a new sign-in starts.

        Raises:
            WrongPassword: The current password is wrong.
            Unauthenticated: The user was changed at the same moment.
            SignInThrottled: It was wrong too often.
            InvalidInput: The new password breaks a rule.
        """
        account = await self._prove_again(principal, current, address)
        policy.check_password(new, account.user.name)
        hashed = await self._passwords.hash(new)
        async with self._db.transaction() as tx:
            await self._lock_unchanged(tx, account)
            await repository.update_user(tx, account.user.id, password_hash=hashed)
            await families.revoke_all(tx, account.user.id)
            await api_token_rows.delete_all(tx, account.user.id)
            tx.publish(
                PasswordChanged(user_id=account.user.id, address=address, by=account.user.id)
            )
            pair = await self._open(tx, Account(account.user, hashed), address)
        self._standings.forget()
        return pair

    async def complete_setup(
        self, token: str, name: str, password: str, *, address: str = ""
    ) -> TokenPair:
        """Make the first administrator and sign them in; raises as `create_first_administrator`."""
        account = await self._create_first(token, name, password, address)
        async with self._db.transaction() as tx:
            return await self._open(tx, account, address)

    def internal_principal(self, header: str | None) -> Principal:
        """Return the principal of a service call by its `X-Internal-Secret`.

        Raises:
            Unauthenticated: The secret is wrong, missing, or none is configured.
        """
        expected = self._settings.internal_secret
        # Hashes have one length, so the comparison tells nothing about the secret's.
        if expected and hmac.compare_digest(_digest(header or ""), _digest(expected)):
            return _INTERNAL
        raise Unauthenticated("This needs the X-Internal-Secret header.")

    @property
    def ticket_ttl_s(self) -> int:
        """Life of a WebSocket ticket."""
        return self._settings.ticket_ttl_s

    def remembered(self) -> tuple[int, int]:
        """Return how often a check of a sign-in was answered from memory, and how often not."""
        return self._standings.hits, self._standings.misses

    def address_of(self, peer: str | None, forwarded_for: str) -> str:
        """Find the client's address behind the trusted proxies; see `client_address`."""
        return client_address(peer, forwarded_for, self._trusted)

    async def _open(self, tx: Transaction, account: Account, address: str) -> TokenPair:
        user = await self._lock_unchanged(tx, account)
        family_id, refresh_token = await families.open_family(
            tx, user.id, place(address), self._settings.refresh_ttl_s
        )
        tx.publish(
            UserSignedIn(user_id=user.id, address=address, name=user.name, family_id=family_id)
        )
        return self._pair(Standing(user.id, user.name, user.role), family_id, refresh_token)

    async def _lock_unchanged(self, tx: Transaction, account: Account) -> User:
        # The password was proven before this transaction; it may have been changed since.
        now = await repository.lock_user(tx, account.user.id)
        if now is None or now.user.disabled or now.password_hash != account.password_hash:
            raise Unauthenticated("The user was changed at this moment. Sign in again.")
        return now.user

    def _pair(self, standing: Standing, family_id: str, refresh_token: str) -> TokenPair:
        return TokenPair(
            access_token=self._tokens.issue(
                user_id=standing.user_id,
                name=standing.name,
                role=standing.role,
                family_id=family_id,
            ),
            refresh_token=refresh_token,
            expires_in=self._settings.access_ttl_s,
        )


def _principal(standing: Standing, family_id: str, expires_at: datetime | None) -> Principal:
    return Principal(
        user_id=standing.user_id,
        name=standing.name,
        role=standing.role,
        token_expires_at=expires_at,
        family_id=family_id,
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
