"""Set points and protections as every driver treats them: in range, read back, an envelope.

A value outside the rating is refused before anything is sent. An output is switched on only
inside protections that were set in this session and still stand.
"""

from dataclasses import dataclass

from instruments.drivers.answers import compare, quantity
from instruments.protocols import NoEnvelope, OutsideRating
from instruments.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint:
    """One number that can be set: its header, unit, range and resolution."""

    header: str
    unit: str
    low: float = 0.0
    high: float
    resolution: float
    query: str | None = None

    async def set(self, session: Session, value: float) -> float:
        """Set it and give what was read back.

        Raises OutsideRating before anything is sent, SetpointNotTaken if the instrument
        kept another value.
        """
        self.permit(session, value)
        await session.command(f"{self.header} {value:.10g}")
        taken = await self.get(session)
        compare(f"{session.name} {self.header}", value, taken, self.resolution, self.unit)
        return taken

    async def get(self, session: Session) -> float:
        """Ask for it."""
        return quantity(await session.query(self.query or f"{self.header}?"), self.unit)

    def permit(self, session: Session, value: float) -> None:
        """Raises OutsideRating for what the rating does not allow, not-a-number too."""
        if not self.low <= value <= self.high:
            raise OutsideRating(
                f"{session.name} {self.header}: {value:g} {self.unit} is outside the rating, "
                f"{self.low:g} to {self.high:g} {self.unit}"
            )


class Protections:
    """The protections that an output needs, as this session set them.

    A protection at its maximum protects nothing; one that was changed behind the session's back
    is none that was set.
    """

    def __init__(self, *needed: Setpoint) -> None:
        self._needed = needed
        self._stand: dict[Setpoint, float] = {}

    async def set(self, session: Session, setpoint: Setpoint, value: float) -> None:
        """Set one protection, read it back and keep what it is."""
        self._stand.pop(setpoint, None)
        self._stand[setpoint] = await setpoint.set(session, value)

    def forget(self) -> None:
        """Nothing is known any more: after opening and after a reset."""
        self._stand.clear()

    async def require(self, session: Session) -> None:
        """Raises NoEnvelope unless all needed protections are set, below maximum, and stand."""
        for setpoint in self._needed:
            kept = self._stand.get(setpoint)
            what = f"{session.name} {setpoint.header}"
            if kept is None:
                raise NoEnvelope(f"{what} must be set in this session before the output goes on")
            if kept >= setpoint.high:
                raise NoEnvelope(
                    f"{what} stands at its maximum, {kept:g} {setpoint.unit}: it protects nothing"
                )
        for setpoint, kept in self._stand.items():
            found = await setpoint.get(session)
            if found != kept:
                raise NoEnvelope(
                    f"{session.name} {setpoint.header} is {found:g} {setpoint.unit}, "
                    f"was set to {kept:g}"
                )
