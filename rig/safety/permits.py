"""What an output has to ask before it goes on, and who is asked.

Behind `Permits` stands the guardian's process, or nobody where nothing can be energised: on a
simulated bench the envelope alone is checked. The trips that guard an output are set in one place,
for the guardian and for the test's own driver alike, so that both read back the same.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from instruments.protocols import NotOnThisModel, Supply
from rig.safety.envelope import OVER, Envelope

OVER_RATED = 1.05  # chosen: a supply's own limit of power does not reach it, its maximum lies above


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an output is wanted for: volts (None: whatever the system has) and amperes."""

    role: str
    voltage_v: float | None
    current_a: float


class Permits(Protocol):
    """Who permits outputs to be on."""

    async def ask(self, wish: Wish) -> None:
        """Have it permitted, the trips set and read back. Raises BenchError with the reason."""
        ...

    async def give_back(self, role: str) -> None:
        """The output is off again."""
        ...


class Nobody:
    """Nobody needs to be asked: nothing here is real."""

    async def ask(self, wish: Wish) -> None:
        """It may."""

    async def give_back(self, role: str) -> None:
        """Nobody keeps it."""


NOBODY = Nobody()


async def set_trips(supply: Supply, envelope: Envelope) -> None:
    """Set the supply's own trips around the envelope; the driver reads each back."""
    await supply.set_ovp(OVER * envelope.voltage_v_max)
    # A supply without one of these has its limit of current instead.
    with suppress(NotOnThisModel):
        await supply.set_ocp(OVER * envelope.charge_current_a_max)
    power_w = envelope.voltage_v_max * envelope.charge_current_a_max
    with suppress(NotOnThisModel):
        await supply.set_opp(min(OVER * power_w, OVER_RATED * supply.limits.power_w_max))
