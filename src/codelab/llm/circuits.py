"""The circuits of this process: one for each model of the catalogue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from codelab.kit.clock import utc_now
from codelab.kit.errors import CodeLabError
from codelab.llm import circuit as pure
from codelab.llm.circuit import Circuit, CircuitPolicy, Permit

# How long the outcome of somebody else's trial is waited for before one looks again.
_TRIAL_S = 1.0
# So many calls at a time may ask a model that rests.
MOST_INSISTED = 4


class RestingModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is not asked for the moment.

    Args:
        name: Its name in the catalogue.
        until: When it is tried again.
        code: The code of the failure that led to it.
        reason: The same in a sentence.
    """

    name: str
    until: datetime
    code: str
    reason: str


class Circuits:
    """Remembers how each model is.

    Args:
        policy: How soon a model rests, and for how long.
        identity: Returns what stands for a model in the catalogue; when that changes, its past
            is forgotten.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        policy: CircuitPolicy,
        identity: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._identity = identity
        self._clock = clock
        self._known: dict[str, tuple[object, Circuit]] = {}
        self._insisted: dict[str, int] = {}

    def look(self, name: str) -> Circuit:
        """Return a model's circuit."""
        identity, circuit = self._known.get(name, (None, None))
        return circuit if circuit and identity is self._identity(name) else Circuit()

    def seek(self, name: str) -> Permit | None:
        """Ask for a permit to call a model; none while it rests."""
        circuit, permit = pure.seek(self.look(name), self._clock())
        if permit is Permit.TRIAL:
            self._keep(name, circuit)
        return permit

    def insist(self, name: str) -> Permit | None:
        """Ask for a permit to call a model that rests; none while enough others do."""
        running = self._insisted.get(name, 0)
        if running >= MOST_INSISTED:
            return None
        self._insisted[name] = running + 1
        return Permit.INSISTED

    def left(self, name: str, permit: Permit) -> None:
        """Note that a call is over, however it went."""
        if permit is not Permit.INSISTED:
            return
        running = self._insisted.get(name, 0) - 1
        if running > 0:
            self._insisted[name] = running
        else:
            self._insisted.pop(name, None)

    def began(self, name: str, permit: Permit) -> None:
        """Note the first piece of an answer."""
        self._keep(name, pure.began(self.look(name), permit, self._policy))

    def succeeded(self, name: str, permit: Permit) -> None:
        """Note an answer."""
        self._keep(name, pure.succeeded(self.look(name), permit))

    def failed(
        self, name: str, permit: Permit, failure: CodeLabError, *, repeated: bool = False
    ) -> None:
        """Note a failure; `repeated` is one of a call that has failed before."""
        now, was = self._clock(), self.look(name)
        is_now = pure.failed(was, permit, failure, now, self._policy, repeated=repeated)
        self._keep(name, is_now)

    def released(self, name: str, permit: Permit) -> None:
        """Note that a call was given up by its caller."""
        self._keep(name, pure.released(self.look(name), permit))

    def rest_s(self, name: str) -> float:
        """Return how long a model is not asked; zero when it may be."""
        circuit = self.look(name)
        return circuit.rest_s(self._clock()) or (_TRIAL_S if circuit.trying else 0.0)

    def preferred(self, chain: Iterable[str]) -> str:
        """Return the model of a chain that would be asked now: the first that does not rest."""
        names = list(chain)
        return next((name for name in names if not self.rest_s(name)), names[0])

    def resting(self, names: Iterable[str]) -> list[RestingModel]:
        """Describe those of the models that rest."""
        found = []
        for name in names:
            circuit, rest_s = self.look(name), self.rest_s(name)
            if rest_s:
                until = utc_now() + timedelta(seconds=rest_s)
                found.append(
                    RestingModel(name=name, until=until, code=circuit.code, reason=circuit.reason)
                )
        return found

    def _keep(self, name: str, circuit: Circuit) -> None:
        if circuit == Circuit():
            self._known.pop(name, None)
        else:
            self._known[name] = (self._identity(name), circuit)
