"""When a model rests after failures, and when it is tried again: values in, values out."""

from __future__ import annotations

from enum import Enum

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.llm.errors import (
    ContextTooLong,
    ModelAuthFailed,
    ModelError,
    ModelFiltered,
    ModelInterrupted,
    ModelMissing,
    ModelQuotaExhausted,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnknown,
    ModelUnpriced,
)

# The provider answered, and did not like what it was sent: the model itself is well.
_ANSWERED = (ContextTooLong, ModelFiltered, ModelRefused, ModelUnknown)
# One request may be what a provider stumbles over: only a second one's failure says more.
_LEAST_CALLS = 2
# Nothing changes until a human has mended something.
_FUTILE = (ModelAuthFailed, ModelQuotaExhausted, ModelMissing)
# These have cost the user the most time, so they weigh twice.
_COSTLY = (ModelTimeout, ModelInterrupted)


class CircuitPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How soon a model is given a rest, and for how long.

    Args:
        opens_at: The weight of failures in a row that opens the circuit; a timeout and an answer
            that breaks off weigh two, every other passing failure one. The retries of one call
            weigh nothing, and one call alone never opens it so.
        first_pause_s: The first rest; it doubles each time the trial after it fails.
        longest_pause_s: The longest rest of our own choosing.
        longest_limit_pause_s: The same for a limit whose end the provider does not name: most
            last for a minute or less.
        refused_pause_s: The rest after a refused key or an empty account: short enough that a
            mended one works within a minute.
        longest_told_s: The longest rest that a provider can ask for.
    """

    opens_at: int = 3
    first_pause_s: float = 5.0
    longest_pause_s: float = 60.0
    longest_limit_pause_s: float = 15.0
    refused_pause_s: float = 30.0
    longest_told_s: float = 900.0


class Permit(Enum):
    """On what terms a model is asked.

    `CLOSED`: it is well. `TRIAL`: the one call that finds out whether it is well again.
    `INSISTED`: it rests, and nothing else is left to ask.
    """

    CLOSED = "closed"
    TRIAL = "trial"
    INSISTED = "insisted"


class Circuit(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one model; times are in seconds of a clock that never goes back.

    Args:
        weight: The weight of the failures in a row.
        calls: Of how many calls they are.
        openings: How often in a row it opened.
        open_until: When the rest ends; none while the circuit is closed. From then on it is half
            open: one trial may pass.
        trying: Whether that trial is under way.
        told: Whether the provider itself has said how long to wait: then a call cannot work.
        limited: Whether the rest is a limit of the provider's, which ends by itself.
        code: The code of the failure that opened it.
        reason: The same in a sentence.
    """

    weight: int = 0
    calls: int = 0
    openings: int = 0
    open_until: float | None = None
    trying: bool = False
    told: bool = False
    limited: bool = False
    code: str = ""
    reason: str = ""

    def rest_s(self, now: float) -> float:
        """Return how long the model still rests; zero when it may be asked or tried."""
        return 0.0 if self.open_until is None else max(0.0, self.open_until - now)


def seek(circuit: Circuit, now: float) -> tuple[Circuit, Permit | None]:
    """Ask for a permit; none while the model rests, or while another call is the trial."""
    if circuit.open_until is None:
        return circuit, Permit.CLOSED
    if circuit.trying or now < circuit.open_until:
        return circuit, None
    return msgspec.structs.replace(circuit, trying=True), Permit.TRIAL


def began(circuit: Circuit, permit: Permit, policy: CircuitPolicy) -> Circuit:
    """Take into account that an answer has begun: the circuit closes on probation."""
    if permit is Permit.CLOSED or circuit.open_until is None:
        return circuit
    weight, calls = policy.opens_at - 1, _LEAST_CALLS - 1
    return Circuit(weight=weight, calls=calls, openings=circuit.openings)


def succeeded(circuit: Circuit, permit: Permit) -> Circuit:
    """Take into account that an answer came to its end."""
    # A call from before the rest says nothing of how the model is now.
    if permit is Permit.CLOSED and circuit.open_until is not None:
        return circuit
    return Circuit()


def released(circuit: Circuit, permit: Permit) -> Circuit:
    """Take into account that a call was given up by its caller: another one may be the trial."""
    return msgspec.structs.replace(circuit, trying=False) if permit is Permit.TRIAL else circuit


def failed(
    circuit: Circuit,
    permit: Permit,
    failure: CodeLabError,
    now: float,
    policy: CircuitPolicy,
    *,
    repeated: bool = False,
) -> Circuit:
    """Take a failure into account; `repeated` is one of a call that has failed before."""
    if isinstance(failure, ModelUnpriced) or not isinstance(failure, ModelError):
        # Something else was in the way, such as a spent budget: that says nothing of the model.
        return released(circuit, permit)
    if isinstance(failure, _ANSWERED):
        return succeeded(circuit, permit)
    own_weight = 2 if isinstance(failure, _COSTLY) else 1
    weight = circuit.weight + (0 if repeated else own_weight)
    calls = circuit.calls + (not repeated)
    pause_s = _pause(failure, circuit.openings, policy)
    is_open = circuit.open_until is not None
    if is_open and permit is not Permit.TRIAL:
        # Somebody else's failure has opened it: only a provider's own word makes it longer.
        until = max(circuit.open_until or 0.0, now + pause_s)
        if failure.retry_after_s is None:
            return circuit
        return msgspec.structs.replace(circuit, open_until=until, told=True, limited=True)
    told = failure.retry_after_s is not None
    is_limit = isinstance(failure, ModelRateLimited)
    at_once = (is_limit and told) or isinstance(failure, _FUTILE) or permit is Permit.TRIAL
    if not at_once and (weight < policy.opens_at or calls < _LEAST_CALLS):
        return msgspec.structs.replace(circuit, weight=weight, calls=calls)
    return Circuit(
        weight=weight,
        calls=calls,
        openings=circuit.openings + 1,
        open_until=now + pause_s,
        told=told,
        limited=is_limit or told,
        code=failure.code,
        reason=failure.message,
    )


def _pause(failure: CodeLabError, openings: int, policy: CircuitPolicy) -> float:
    if isinstance(failure, _FUTILE):
        return policy.refused_pause_s
    if failure.retry_after_s is not None:
        return min(failure.retry_after_s, policy.longest_told_s)
    # The exponent is bounded: a model that is away for days must not make numbers without end.
    limited = isinstance(failure, ModelRateLimited)
    longest_s = policy.longest_limit_pause_s if limited else policy.longest_pause_s
    return min(policy.first_pause_s * 2.0 ** min(openings, 32), longest_s)
