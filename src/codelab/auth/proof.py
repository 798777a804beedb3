"""Whether a name and a password belong together, asked no more often than is good."""

from __future__ import annotations

import hashlib
import hmac

from codelab.auth import families, policy, repository
from codelab.auth.addresses import place
from codelab.auth.errors import SignInThrottled, Unauthenticated
from codelab.auth.events import SignInFailed
from codelab.auth.passwords import Passwords
from codelab.auth.repository import Account
from codelab.kit.crypto import derive_key
from codelab.kit.db import Database
from codelab.kit.errors import InvalidInput


class PasswordProof:
    """Checks passwords, counts the wrong ones and slows down who guesses.

    The counts are rows, so all replicas see the same ones and a restart forgives nothing.

    Args:
        db: The database.
        passwords: The hashing.
        secret: The installation's secret, which hides what was typed as a name.
    """

    def __init__(self, db: Database, passwords: Passwords, secret: str) -> None:
        self._db = db
        self._passwords = passwords
        self._key = derive_key(secret, "sign-in-failures")

    async def prove(self, name: str, password: str, address: str) -> Account:
        """Find the user whose name and password these are.

        A name that nobody has takes as long as a wrong password.

        Raises:
            Unauthenticated: They are not; or the user is disabled.
            SignInThrottled: There were too many wrong ones lately; these were not looked at.
        """
        subject, where = self._subject(name), place(address)
        async with self._passwords.slot():
            # Counted inside the slot: a burst of guesses cannot overtake its own failures.
            account = await self._find(name, subject, where)
            matched = await self._passwords.matches(
                password, account.password_hash if account else None
            )
            refused = account is None or not matched or account.user.disabled
            if refused:
                await self._count(account, matched, subject, where, address)
        if account is None or refused:
            raise Unauthenticated("The user name or the password is wrong.")
        return await self._with_current_hash(account, password)

    async def _find(self, name: str, subject: str, where: str) -> Account | None:
        async with self._db.transaction() as tx:
            now = await tx.now()
            account = await repository.find_by_name(tx, _clean_or_empty(name))
            user_id = account.user.id if account else ""
            wait_s = policy.throttled_s(
                await families.recent_failures(tx, subject, where, now),
                subject,
                where,
                now,
                familiar=await families.is_familiar(tx, user_id, where),
            )
        if wait_s:
            raise SignInThrottled(
                "Too many failed sign-ins. Wait a minute and try again.", retry_after_s=wait_s
            )
        return account

    async def _count(
        self, account: Account | None, matched: bool, subject: str, where: str, address: str
    ) -> None:
        async with self._db.transaction() as tx:
            await families.add_failure(tx, subject, where)
            if account is None:
                failed = SignInFailed(user_id=None, address=address, reason="unknown_user")
            else:
                failed = SignInFailed(
                    user_id=account.user.id,
                    name=account.user.name,
                    address=address,
                    reason="disabled" if matched else "wrong_password",
                )
            tx.publish(failed)

    async def _with_current_hash(self, account: Account, password: str) -> Account:
        if not self._passwords.is_outdated(account.password_hash):
            return account
        newer = await self._passwords.hash(password)
        async with self._db.transaction() as tx:
            replaced = await repository.replace_hash(tx, account, newer)
        return Account(account.user, newer) if replaced else account

    def _subject(self, name: str) -> str:
        key = policy.name_key(name).encode(errors="surrogatepass")
        return hmac.new(self._key, key, hashlib.sha256).hexdigest()


def _clean_or_empty(name: str) -> str:
    try:
        return policy.clean_name(name)
    except InvalidInput:
        return ""
