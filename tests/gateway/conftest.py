"""A real server on loopback, with a user and a session."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from codelab.sessions.api import SessionRecord
from tests.gateway.rig import Replica, User, open_session, running, running_pair, sign_up

NewUser = Callable[..., Awaitable[User]]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The edge is the same on every database."""
    return sqlite_url


@pytest.fixture
async def replica(database_url: str, tmp_path: Path) -> AsyncIterator[Replica]:
    """A server of one process."""
    async with running(database_url, tmp_path) as one:
        yield one


@pytest.fixture
async def pair(
    database_url: str, tmp_path: Path, redis_url: str
) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two replicas on the same stores."""
    async with running_pair(database_url, tmp_path, redis_url) as both:
        yield both


@pytest.fixture
def new_user(replica: Replica) -> NewUser:
    """Makes users who are signed in."""
    return partial(sign_up, replica)


@pytest.fixture
async def ada(new_user: NewUser) -> User:
    """A user."""
    return await new_user("ada")


@pytest.fixture
async def session(replica: Replica, ada: User, tmp_path: Path) -> SessionRecord:
    """A session of Ada's."""
    return await open_session(replica, ada, tmp_path)
