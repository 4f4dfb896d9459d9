"""What is the same on every bench: its record, its buses as they are seen, what hangs on them.

A bench says how its buses, instruments and device are reached; this says what is done with them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rig.attempt import Attempt
from rig.benches.instrumented import Instruments
from rig.can.by_dbc import general_decoder, mgreg_decoder, private_decoder, visedo_decoder
from rig.can.face import CanBus
from rig.can.frame import Frame
from rig.can.n2k import N2kDecoder
from rig.can.powerfinn import Powerfinn
from rig.display import Display
from rig.errors import NotOnThisBench
from rig.gx_device import GxDevice
from rig.kernel import Kernel
from rig.needs import Needs
from rig.signal import Poller, Signal
from rig.views import BusView

CHANNELS = {"private": 0, "ve_can": 1, "external": 2}
DECODERS: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    "private": {"private": private_decoder},
    "ve_can": {"n2k": N2kDecoder, "mgreg": mgreg_decoder},
    "external": {"general": general_decoder, "visedo": visedo_decoder},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a silent row is compared with, and what it lacks itself in that comparison."""

    reference: str
    left_out: tuple[str, ...] = ()


class BenchParts:
    """One attempt's bench, as far as all kinds of benches agree."""

    gx: GxDevice

    def __init__(
        self, kernel: Kernel, needs: Needs, firmware: str, attempt: Attempt, compared: Compared
    ) -> None:
        self.kernel, self.needs, self.firmware = kernel, needs, firmware
        self.reference, self.rows_left_out = compared.reference, compared.left_out
        self._attempt = attempt
        self._wires: Mapping[str, CanBus] = {}

    def _make(self, name: str, unit: str, poll: Poller | None = None) -> Signal[Any]:
        signal: Signal[Any] = Signal(name, unit, kernel=self.kernel, poll=poll)
        self._attempt.follow(signal)
        return signal

    def _record(self, wires: Mapping[str, CanBus]) -> None:
        """Have all frames and errors of these buses in the record from now on."""
        self._wires = wires
        for name, bus in wires.items():
            bus.watch(self._recorder(CHANNELS[name]), patient=True)
            bus.watch_errors(self._error_recorder(name))

    def _recorder(self, channel: int) -> Callable[[int, str, Frame], None]:
        record = self._attempt.frame
        return lambda time_us, _sender, frame: record(time_us, channel, frame)

    def _error_recorder(self, bus: str) -> Callable[[int, str], None]:
        return lambda time_us, text: self._attempt.event(time_us, "CAN", f"{bus}: {text}")

    def _views(self) -> Mapping[str, BusView]:
        """Each bus as a monitor with a transmitter sees it."""
        return {name: BusView(bus, self._make, DECODERS[name]) for name, bus in self._wires.items()}

    def _take(self, instruments: Instruments) -> None:
        """Have what a scenario uses of the instruments."""
        self._instruments = instruments
        self.io, self.charger, self.load = instruments.io, instruments.charger, instruments.load
        self.lines, self.voltages = instruments.lines, instruments.voltages
        self.consumption = instruments.consumption

    @cached_property
    def display(self) -> Display:
        """A display on VE.Can, from when it is first asked for."""
        return Display(self._wires["ve_can"], lambda: self.gx.device_address)

    @cached_property
    def powerfinn(self) -> Powerfinn:
        """A Powerfinn charger on the external bus, from when it is first asked for."""
        return Powerfinn(self.kernel, self._wires["external"], self._make)

    def settle_record(self) -> None:
        """Have all that was heard written down."""
        self._attempt.flush()

    def arranged(self) -> None:
        """The arrangement stands."""

    def enter_branch(self, name: str) -> None:
        """Raises NotOnThisBench where nothing can go on twice."""
        raise NotOnThisBench(f"branch {name!r}: only a simulated bench can go on twice")

    def leave_branch(self, name: str, digest: str) -> None:
        """Raises NotOnThisBench where nothing can go on twice."""
        del digest
        self.enter_branch(name)

    def note(self, text: str) -> None:
        """Leave a remark in the record."""
        self._attempt.event(self.kernel.now_us, "bench", text)
