"""Driver of temperature chambers of Weiss and Vötsch with a S!MPAC controller: simserv over TCP.

Firmware known: none seen; written for the commands of the maker's "Communication protocol S!MPAC
simserv" (2019.05) as public drivers cite it.
Quirks:
- A request is a command number, an index that is always 1, and arguments, separated by the byte
  0xB6 and ended by CR; the answer is 1 and values, or an error number, ended by CR LF. A resource
  needs ``encoding``, ``read_termination`` and ``write_termination`` of this class.
- There is no ``*IDN?``: type and serial number are asked with 99997. There are many types, so any
  is taken unless ``models`` names those of the bench.
- There is no error queue: each answer says whether its request was taken.
- A set value is acknowledged before it can be read back: a public driver saw so on a real chamber.
  It is asked again for up to 3 s.
- Starting is setting the digital channel 1. Channels from 2 on differ between models.
Uncertainty 1 K: chosen, for the temperature in the air of an empty chamber.
Unverified: that a gradient of 0 means none, and how many decimals the controller gives.
"""

from collections.abc import Sequence

from instruments.drivers.answers import compare, integer, quantity, state
from instruments.drivers.driver import try_each
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    InstrumentError,
    NotOnThisModel,
    OutsideRating,
    SetpointNotTaken,
)
from instruments.session import Session

SEPARATOR = "\xb6"
ERRORS = {-5: "unknown command", -6: "bad parameters", -8: "no data"}
RESOLUTION_C = 0.1
# chosen: how long the controller may take to show what it has acknowledged, and how often to ask.
PATIENCE_S, PAUSE_S = 3.0, 0.2
# chosen: room temperature, at which a chamber may be opened.
REST_C = 25.0


class Simserv:
    """One temperature chamber; opening leaves it as it is."""

    encoding = "latin-1"
    read_termination = "\r\n"
    write_termination = "\r"

    def __init__(self, session: Session, *, models: Sequence[str] | None = None) -> None:
        self.session = session
        self._models = models

    async def open(self, *, serial: str | None = None) -> Identity:
        """Make sure that a chamber answers, of the types and serial number if any are given."""
        return await self.session.open(self._models, serial=serial, identify=self.identify)

    async def close(self) -> None:
        """Disconnect; the chamber goes on with what it does."""
        await self.session.close()

    async def identify(self) -> Identity:
        """Ask for type and serial number; the firmware is not among what it tells."""
        model, serial = await self._text("99997", 1), await self._text("99997", 3)
        return Identity(manufacturer="Weiss Technik", model=model, serial=serial, firmware="")

    async def reset(self) -> None:
        """Raises NotOnThisModel: the controller has no power-on settings to go back to."""
        raise NotOnThisModel(f"{self.session.name}: simserv has no reset")

    async def clear(self) -> None:
        """Reset the errors that stand; it does not start again by itself."""
        await self._ask("17012")

    async def errors(self) -> list[str]:
        """None: each answer already said whether its request was taken."""
        return []

    async def alive(self) -> bool:
        """Whether it answers now."""
        try:
            await self._ask("10012")
        except InstrumentError:
            return False
        return True

    async def set_temperature(self, temperature_c: float) -> None:
        """Set where it shall go and read it back; does not start it.

        Raises OutsideRating for what the chamber itself does not allow.
        """
        low_c, high_c = await self._value("11007", 1), await self._value("11009", 1)
        if not low_c <= temperature_c <= high_c:
            raise OutsideRating(
                f"{self.session.name} temperature: {temperature_c:g} degC is outside the rating, "
                f"{low_c:g} to {high_c:g} degC"
            )
        await self._ask("11001", 1, f"{temperature_c:.1f}")
        await self._expect("temperature", "11002", temperature_c, RESOLUTION_C, "degC")

    async def set_gradient(self, k_per_min: float | None) -> None:
        """Set how fast it goes there, up and down; None: as fast as it can."""
        gradient = 0.0 if k_per_min is None else k_per_min
        if k_per_min is not None and not k_per_min > 0:
            raise OutsideRating(f"{self.session.name} gradient: {k_per_min:g} K/min, above 0 only")
        for name, command, query in (
            ("heating gradient", "11068", "11066"),
            ("cooling gradient", "11072", "11070"),
        ):
            await self._ask(command, 1, f"{gradient:.2f}")
            await self._expect(name, query, gradient, 0.01, "K/min")

    async def setpoint(self) -> float:
        """Where it shall go, degC."""
        return await self._value("11002", 1)

    async def temperature(self) -> float:
        """Where it is, degC."""
        return await self._value("11004", 1)

    async def run(self) -> None:
        """Start conditioning and see that it runs."""
        await self._start(True)

    async def stop(self) -> None:
        """Stop conditioning and see that it stands."""
        await self._start(False)

    async def running(self) -> bool:
        """Whether it conditions now."""
        return state(await self._text("14003", 1))

    async def alarms(self) -> list[str]:
        """Alarms that stand, in its own words; warnings and notes are none."""
        count = integer(await self._text("17002"))
        standing: list[str] = []
        for index in range(1, count + 1):
            alarm = integer(await self._text("17005", index)) & 1
            if alarm and state(await self._text("17009", index)):
                standing.append(await self._text("17007", index))
        return standing

    async def safe_state(self) -> None:
        """Stop, and leave room temperature as where it would go."""
        await try_each(self.stop, lambda: self.set_temperature(REST_C))

    def temperature_uncertainty_k(self) -> float:
        """Expanded uncertainty (k=2): 1 K, chosen."""
        return 1.0

    async def _start(self, on: bool) -> None:
        await self._ask("14001", 1, int(on))
        for _ in range(round(PATIENCE_S / PAUSE_S)):
            if await self.running() == on:
                return
            await self.session.sleep(PAUSE_S)
        words = ", ".join(await self.alarms()) or "no alarm"
        raise SetpointNotTaken(
            f"{self.session.name} {'does not run' if on else 'still runs'} "
            f"{PAUSE_S * round(PATIENCE_S / PAUSE_S):g} s after it was told to: {words}"
        )

    async def _expect(
        self, what: str, query: str, asked: float, resolution: float, unit: str
    ) -> None:
        for _ in range(round(PATIENCE_S / PAUSE_S)):
            taken = await self._value(query, 1)
            if abs(taken - asked) <= resolution:
                return
            await self.session.sleep(PAUSE_S)
        compare(f"{self.session.name} {what}", asked, taken, resolution, unit)

    async def _value(self, number: str, *arguments: object) -> float:
        return quantity(await self._text(number, *arguments))

    async def _text(self, number: str, *arguments: object) -> str:
        fields = await self._ask(number, *arguments)
        if not fields:
            raise AnswerGarbled(f"{self.session.name} answered {number} without a value")
        return fields[0]

    async def _ask(self, number: str, *arguments: object) -> list[str]:
        request = SEPARATOR.join([number, "1", *map(str, arguments)])
        code, *fields = (await self.session.query(request)).strip().split(SEPARATOR)
        if integer(code) != 1:
            reason = ERRORS.get(integer(code), f"error {code}")
            raise CommandRefused(f"{self.session.name} refused {request!r}: {reason}")
        return fields
