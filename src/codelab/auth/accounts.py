"""The accounts of an installation: the first one, further ones, their changes and their end."""

from __future__ import annotations

import msgspec
from sqlalchemy.exc import IntegrityError

from codelab.auth import api_token_rows, families, policy, repository
from codelab.auth.errors import (
    NameTaken,
    SetupClosed,
    SetupTokenInvalid,
    Unauthenticated,
    UserNotFound,
    WrongPassword,
)
from codelab.auth.events import (
    PasswordChanged,
    RoleChanged,
    UserCreated,
    UserDeleted,
    UserDisabled,
    UserEnabled,
)
from codelab.auth.identity import Principal, Role, User
from codelab.auth.passwords import Passwords
from codelab.auth.proof import PasswordProof
from codelab.auth.repository import Account
from codelab.auth.standing import Standings
from codelab.auth.tokens import new_token, token_hash
from codelab.kit.db import Database, Transaction
from codelab.kit.ids import new_id

_SETUP_TRIES = 5
_NAMED = 10


class Accounts:
    """Everything about users that needs no token.

    Args:
        db: The database.
        passwords: The hashing.
        proof: The check of a password.
        standings: What must be forgotten when a user changes.
    """

    def __init__(
        self, db: Database, passwords: Passwords, proof: PasswordProof, standings: Standings
    ) -> None:
        self._db = db
        self._passwords = passwords
        self._proof = proof
        self._standings = standings

    async def create_user(
        self, name: str, password: str, admin: bool = False, *, by: str | None = None
    ) -> User:
        """Add a user; a setup link that nobody has used becomes useless.

        Raises:
            InvalidInput: The name or the password breaks a rule.
            NameTaken: Somebody has the name.
        """
        name = policy.clean_name(name)
        policy.check_password(password, name)
        hashed = await self._passwords.hash(password)
        try:
            async with self._db.transaction() as tx:
                await repository.drop_setup_token(tx)
                return await _add_user(tx, name, hashed, "admin" if admin else "user", by)
        except IntegrityError:
            raise NameTaken("Another user has this name.", field="username") from None

    async def list_users(self, *, after: str = "", limit: int = 1000) -> list[User]:
        """Return users in the order of their creation.

        Args:
            after: The id of the last user already seen.
            limit: How many to return at most.
        """
        async with self._db.read() as connection:
            return await repository.page_of_users(connection, after, limit)

    async def administrators(self) -> list[str]:
        """Return the names of some whom a user may ask for what only administrators may do."""
        async with self._db.read() as connection:
            return await repository.active_administrators(connection, _NAMED)

    async def find_user(self, name: str) -> User:
        """Find a user by name, in any letter case.

        Raises:
            UserNotFound: Nobody has this name.
            InvalidInput: Nobody can have it.
        """
        name = policy.clean_name(name)
        async with self._db.read() as connection:
            account = await repository.find_by_name(connection, name)
        if account is None:
            raise UserNotFound("There is no user of this name.")
        return account.user

    async def get_user(self, user_id: str) -> User:
        """Return a user.

        Raises:
            UserNotFound: There is no such user.
        """
        async with self._db.read() as connection:
            return _existing(await repository.find_by_id(connection, user_id)).user

    async def disable(self, user_id: str, *, by: str | None = None) -> User:
        """Keep a user out and end all sign-ins and API tokens; raises as `update_user`."""
        return await self.update_user(user_id, disabled=True, by=by)

    async def enable(self, user_id: str, *, by: str | None = None) -> User:
        """Let a user in again; raises as `update_user`."""
        return await self.update_user(user_id, disabled=False, by=by)

    async def set_password(self, user_id: str, password: str, *, by: str | None = None) -> User:
        """Give a user another password and end all sign-ins and tokens; raises as `update_user`."""
        return await self.update_user(user_id, password=password, by=by)

    async def update_user(
        self,
        user_id: str,
        *,
        role: Role | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        by: str | None = None,
    ) -> User:
        """Change what is given of a user, all of it or nothing.

        Args:
            by: The administrator who does it, if one is signed in.

        Raises:
            UserNotFound: There is no such user.
            InvalidInput: The password breaks a rule.
            LastAdministrator: Nobody could administer any more.
        """
        hashed = await self._hash_for(user_id, password) if password is not None else None
        async with self._db.transaction() as tx:
            admins = await repository.lock_active_admins(tx)
            before = _existing(await repository.lock_user(tx, user_id)).user
            after = msgspec.structs.replace(
                before,
                role=role or before.role,
                disabled=before.disabled if disabled is None else disabled,
            )
            if after.disabled or after.role != "admin":
                policy.keep_an_administrator(admins, user_id)
            await repository.update_user(tx, user_id, role=after.role, disabled=after.disabled)
            if hashed is not None:
                await repository.update_user(tx, user_id, password_hash=hashed)
                tx.publish(PasswordChanged(user_id=user_id, by=by))
            if hashed is not None or after.disabled:
                await families.revoke_all(tx, user_id)
                await api_token_rows.delete_all(tx, user_id)
            _publish_changes(tx, before, after, by)
        self._standings.forget()
        return after

    async def delete_user(self, principal: Principal, password: str, *, address: str = "") -> None:
        """Remove the principal's own account and all that is theirs.

        Raises:
            WrongPassword: The password is wrong.
            SignInThrottled: It was wrong too often.
            LastAdministrator: Nobody could administer any more.
        """
        account = await self._prove_again(principal, password, address)
        async with self._db.transaction() as tx:
            policy.keep_an_administrator(await repository.lock_active_admins(tx), principal.user_id)
            await repository.delete_user(tx, principal.user_id)
            tx.publish(
                UserDeleted(
                    user_id=principal.user_id,
                    address=address,
                    name=account.user.name,
                    by=principal.user_id,
                )
            )
        self._standings.forget()

    async def setup_link_needed(self) -> bool:
        """Tell whether there is no user yet."""
        async with self._db.read() as connection:
            return not await repository.any_user(connection)

    async def issue_setup_token(self) -> str | None:
        """Make a new setup token and void the former; none once there is a user."""
        if not await self.setup_link_needed():
            return None
        token = new_token()
        for attempt in range(_SETUP_TRIES):
            try:
                async with self._db.transaction() as tx:
                    await repository.replace_setup_token(tx, token_hash(token), await tx.now())
                break
            except IntegrityError:
                # Another server did the same at this moment; the last one's link is the good one.
                if attempt == _SETUP_TRIES - 1:
                    raise
        return token

    async def check_setup_token(self, token: str) -> None:
        """Refuse a setup link that does not work.

        Raises:
            SetupClosed: There is a user already.
            SetupTokenInvalid: It is not the newest link's token.
        """
        async with self._db.read() as connection:
            # In this order: the token goes at the moment at which the user comes.
            good = await repository.has_setup_token(connection, token_hash(token))
            if await repository.any_user(connection):
                raise SetupClosed("CodeLab is set up already. Sign in instead.")
            if not good:
                raise SetupTokenInvalid(
                    "This setup link does not work. Use the one that CodeLab printed last."
                )

    async def create_first_administrator(
        self, token: str, name: str, password: str, *, address: str = ""
    ) -> User:
        """Use the setup link up and make its owner the administrator.

        Raises:
            SetupClosed: There is a user already.
            SetupTokenInvalid: It is not the newest link's token.
            InvalidInput: The name or the password breaks a rule; the link still works.
        """
        return (await self._create_first(token, name, password, address)).user

    async def _create_first(self, token: str, name: str, password: str, address: str) -> Account:
        # First, so that a stranger cannot make the server hash.
        await self.check_setup_token(token)
        name = policy.clean_name(name)
        policy.check_password(password, name)
        hashed = await self._passwords.hash(password)
        async with self._db.transaction() as tx:
            taken = await repository.take_setup_token(tx, token_hash(token))
            if not taken or await repository.any_user(tx):
                raise SetupClosed("The setup link was used meanwhile. Sign in instead.")
            return Account(await _add_user(tx, name, hashed, "admin", None, address), hashed)

    async def _prove_again(self, principal: Principal, password: str, address: str) -> Account:
        # The name in the token may be older than the user's.
        async with self._db.read() as connection:
            account = _existing(await repository.find_by_id(connection, principal.user_id))
        try:
            return await self._proof.prove(account.user.name, password, address)
        except Unauthenticated:
            raise WrongPassword("The password is wrong.") from None

    async def _hash_for(self, user_id: str, password: str) -> str:
        async with self._db.read() as connection:
            account = _existing(await repository.find_by_id(connection, user_id))
        policy.check_password(password, account.user.name)
        return await self._passwords.hash(password)


async def _add_user(
    tx: Transaction, name: str, hashed: str, role: Role, by: str | None, address: str = ""
) -> User:
    user = User(id=new_id(), name=name, role=role, created_at=await tx.now())
    await repository.insert_user(tx, user, hashed)
    tx.publish(UserCreated(user_id=user.id, address=address, name=name, role=role, by=by))
    return user


def _existing(account: Account | None) -> Account:
    if account is None:
        raise UserNotFound("There is no such user.")
    return account


def _publish_changes(tx: Transaction, before: User, after: User, by: str | None) -> None:
    if after.role != before.role:
        tx.publish(RoleChanged(user_id=after.id, role=after.role, by=by))
    if after.disabled != before.disabled:
        changed = UserDisabled if after.disabled else UserEnabled
        tx.publish(changed(user_id=after.id, by=by))
