"""The envelope: no output is switched on outside it, and the instrument's own trips guard it."""

from dataclasses import dataclass

from rig.errors import BenchError

OVER = 1.1  # chosen: trips stand 10 % above the envelope, so that they guard and do not disturb


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The most that a bench may do to its system: volts, and amperes in each direction."""

    voltage_v_max: float
    charge_current_a_max: float
    discharge_current_a_max: float

    def permit_charge(self, voltage_v: float, current_a: float) -> None:
        """Raises BenchError, saying what is allowed, for a charge outside the envelope."""
        self._check("charge voltage", voltage_v, self.voltage_v_max, "V")
        self._check("charge current", current_a, self.charge_current_a_max, "A")

    def permit_discharge(self, current_a: float) -> None:
        """Raises BenchError, saying what is allowed, for a discharge outside the envelope."""
        self._check("discharge current", current_a, self.discharge_current_a_max, "A")

    @staticmethod
    def _check(what: str, value: float, most: float, unit: str) -> None:
        if not 0 <= value <= most:
            raise BenchError(
                f"{what} {value:g} {unit} is outside the envelope, 0 to {most:g} {unit}"
            )
