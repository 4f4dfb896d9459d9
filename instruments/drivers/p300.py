"""Driver of ESPEC chambers with a P-300 controller: lines of text over TCP or a serial port.

Firmware known: none seen; written for the commands and answers of the maker's own public library,
ChamberConnectLibrary.
Quirks:
- Lines end with CR LF, also over TCP (port 10001 of the maker's converter) and at 9600 Bd.
- There is no ``*IDN?`` and no serial number: the ROM's name begins with P3 on this controller, the
  sensor type stands for the model.
- Every line is answered: sets with ``OK:``, refusals with ``NA:`` and the reason.
- A constant set point has no gradient of its own: only programs have ramps.
- The set point must lie between the alarm limits, which are read with it.
Uncertainty 1 K: chosen, for the temperature in the air of an empty chamber.
Unverified: that ``POWER,ON`` leads to STANDBY, and that ``MODE,CONSTANT`` needs nothing before it.
"""

from instruments.drivers.answers import compare, integer, quantity
from instruments.drivers.driver import try_each
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    IdentityMismatch,
    InstrumentError,
    NotOnThisModel,
    OutsideRating,
    SetpointNotTaken,
)
from instruments.session import Session

RESOLUTION_C = 0.1
RUNNING = ("CONSTANT", "RUN")
# chosen: room temperature, at which a chamber may be opened.
REST_C = 25.0


class P300:
    """One temperature chamber; opening leaves it as it is."""

    encoding = "ascii"
    read_termination = "\r\n"
    write_termination = "\r\n"
    baud = 9600

    def __init__(self, session: Session) -> None:
        self.session = session

    async def open(self, *, serial: str | None = None) -> Identity:
        """Make sure that a P-300 answers; a serial number cannot be asked for.

        Raises IdentityMismatch for another controller, NotOnThisModel if a serial is given.
        """
        if serial:
            raise NotOnThisModel(f"{self.session.name}: a P-300 does not tell its serial number")
        identity = await self.session.open(None, identify=self.identify)
        if not identity.firmware.startswith("P3"):
            raise IdentityMismatch(
                f"{self.session.name} has ROM {identity.firmware!r}, expected one of P3"
            )
        return identity

    async def close(self) -> None:
        """Disconnect; the chamber goes on with what it does."""
        await self.session.close()

    async def identify(self) -> Identity:
        """Ask for the type and the ROM; there is no serial number."""
        kind, rom = await self._ask("TYPE?"), await self._ask("ROM?")
        return Identity(manufacturer="ESPEC", model=f"P-300 {kind}", serial="", firmware=rom)

    async def reset(self) -> None:
        """Raises NotOnThisModel: the controller has no power-on settings to go back to."""
        raise NotOnThisModel(f"{self.session.name}: a P-300 has no reset")

    async def clear(self) -> None:
        """Take back its service request; alarms are cleared at the chamber."""
        await self._tell("SRQ,RESET")

    async def errors(self) -> list[str]:
        """None: each answer already said whether its line was taken."""
        return []

    async def alive(self) -> bool:
        """Whether it answers now."""
        try:
            await self._ask("MODE?")
        except InstrumentError:
            return False
        return True

    async def set_temperature(self, temperature_c: float) -> None:
        """Set where it shall go and read it back; does not start it.

        Raises OutsideRating for what the chamber's alarm limits do not allow.
        """
        _, _, high_c, low_c = await self._levels()
        if not low_c <= temperature_c <= high_c:
            raise OutsideRating(
                f"{self.session.name} temperature: {temperature_c:g} degC is outside the limits, "
                f"{low_c:g} to {high_c:g} degC"
            )
        await self._tell(f"TEMP,S{temperature_c:.1f}")
        taken_c = await self.setpoint()
        compare(f"{self.session.name} temperature", temperature_c, taken_c, RESOLUTION_C, "degC")

    async def set_gradient(self, k_per_min: float | None) -> None:
        """None is how it always goes; raises NotOnThisModel for any other gradient."""
        if k_per_min is not None:
            raise NotOnThisModel(f"{self.session.name}: a constant set point has no gradient")

    async def setpoint(self) -> float:
        """Where it shall go, degC."""
        return (await self._levels())[1]

    async def temperature(self) -> float:
        """Where it is, degC."""
        return (await self._levels())[0]

    async def run(self) -> None:
        """Start conditioning and see that it runs."""
        if await self._ask("MODE?") == "OFF":
            await self._tell("POWER,ON")
        await self._tell("MODE,CONSTANT")
        if not await self.running():
            raise SetpointNotTaken(f"{self.session.name} does not run after MODE,CONSTANT")

    async def stop(self) -> None:
        """Stop conditioning and see that it stands; one that is off stays off."""
        if await self._ask("MODE?") == "OFF":
            return
        await self._tell("MODE,STANDBY")
        if await self.running():
            raise SetpointNotTaken(f"{self.session.name} still runs after MODE,STANDBY")

    async def running(self) -> bool:
        """Whether it conditions now."""
        return (await self._ask("MODE?")).startswith(RUNNING)

    async def alarms(self) -> list[str]:
        """Alarms that stand; the controller tells their numbers only."""
        count, *numbers = (await self._ask("ALARM?")).split(",")
        if integer(count) != len(numbers):
            raise AnswerGarbled(f"{self.session.name} tells {count} alarms, then {numbers}")
        return [f"alarm {integer(number)}" for number in numbers]

    async def safe_state(self) -> None:
        """Stop, and leave room temperature as where it would go."""
        await try_each(self._stop_anyhow, lambda: self.set_temperature(REST_C))

    def temperature_uncertainty_k(self) -> float:
        """Expanded uncertainty (k=2): 1 K, chosen."""
        return 1.0

    async def _stop_anyhow(self) -> None:
        """Stop also one that hears and does not answer: its mode cannot be asked first."""
        try:
            await self.stop()
        except InstrumentError:
            await self._tell("MODE,STANDBY")
            raise

    async def _levels(self) -> tuple[float, float, float, float]:
        """Actual, set, high and low, degC."""
        answer = await self._ask("TEMP?")
        fields = answer.split(",")
        if len(fields) != 4:
            raise AnswerGarbled(f"{self.session.name} answered {answer!r} to TEMP?, expected four")
        actual, set_point, high, low = map(quantity, fields)
        return actual, set_point, high, low

    async def _tell(self, line: str) -> None:
        answer = await self._ask(line)
        if not answer.startswith("OK:"):
            raise AnswerGarbled(f"{self.session.name} answered {answer!r} to {line!r}")

    async def _ask(self, line: str) -> str:
        answer = (await self.session.query(line)).strip()
        if answer.startswith("NA:"):
            raise CommandRefused(f"{self.session.name} refused {line!r}: {answer[3:]}")
        return answer
