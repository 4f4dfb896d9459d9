"""Driver of the Keysight DAQ970A with DAQM907A in slot 1, DAQM903A in 2, DAQM901A in 3.

Firmware known: none seen; written for the command set that the 34970A manual prints (its digital,
route and measure commands) and that the DAQ970A programming guide keeps.
Quirks:
- Reading a byte as input makes it an input again, so bytes that this bench writes are never read
  that way: what was written is asked back with ``SOUR:DIG:DATA:BYTE?``.
- A byte is written whole: changing a line rewrites its seven neighbours with their last levels.
- Overload reads as 9.9E37.
- A reading by ``MEAS`` makes its channel the scan list; nothing here relies on that list.
Uncertainty of a voltage 0.005 % of reading and 2 mV: chosen, above the data sheet's one-year
figures for its 100 V range, so that it also covers the relays of the multiplexer.
Unverified: that reading turns an output byte into an input on this model, and the relay codes.
Relay cycles are counted by the card itself; a multiplexer's relays count with each scan.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from instruments.drivers.answers import compare, integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    IdentityMismatch,
    OutsideRating,
    SetpointNotTaken,
)
from instruments.session import Session

CARDS: Mapping[int, str] = {100: "DAQM907A", 200: "DAQM903A", 300: "DAQM901A"}
OVERLOAD = 9.9e37
TOTALISER = 103
SOURCES = (104, 105)
HIGHEST_SOURCE_V, SOURCE_STEP_V = 12.0, 0.001
RELAYS = "(@201:220)"


class DAQ970A(ScpiDriver):
    """Named digital lines, relays and voltage inputs.

    ``lines`` names each digital line by (byte channel, bit); ``outputs`` are the byte channels
    that this bench drives, the others are only read.
    """

    models = ("DAQ970A",)

    def __init__(
        self,
        session: Session,
        *,
        lines: Mapping[str, tuple[int, int]],
        outputs: Collection[int] = (102,),
    ) -> None:
        super().__init__(session)
        for name, (channel, bit) in lines.items():
            if channel not in {101, 102} or not 0 <= bit <= 7:
                raise ValueError(
                    f"line {name!r}: channel {channel} bit {bit}; allowed are 101 and 102, 0 to 7"
                )
        self._lines = dict(lines)
        self._outputs = frozenset(outputs)
        self._written: dict[int, int] = {}
        self._sources: set[int] = set()

    @property
    def lines(self) -> Mapping[str, tuple[int, int]]:
        """Name of each line -> its byte channel and its bit."""
        return MappingProxyType(self._lines)

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the mainframe and its three cards; lines and relays stay as they are."""
        self._written.clear()
        identity = await super().open(serial=serial)
        await self.session.clear()
        for slot, model in CARDS.items():
            fields = (await self.session.query(f"SYST:CTYP? {slot}")).split(",")
            found = fields[1].strip() if len(fields) > 1 else fields[0]
            if found != model:
                raise IdentityMismatch(
                    f"{self.session.name} slot {slot}: {found!r}, expected {model!r}"
                )
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings: bytes are inputs, relays open."""
        self._written.clear()
        self._sources.clear()
        await super().reset()

    async def read_byte(self, channel: int) -> int:
        """Levels of a byte's lines; of a byte that is driven, what was written."""
        if channel in self._outputs:
            return await self._pattern(channel)
        answer = await self.session.query(f"SENS:DIG:DATA:BYTE? (@{channel})")
        return integer(answer) & 0xFF

    async def get(self, name: str) -> bool:
        """Level of one line."""
        channel, bit = self._place(name)
        return bool(await self.read_byte(channel) >> bit & 1)

    async def get_all(self) -> dict[str, bool]:
        """Levels of all lines, one reading a byte channel."""
        channels = dict.fromkeys(channel for channel, _ in self._lines.values())
        patterns = {channel: await self.read_byte(channel) for channel in channels}
        return {
            name: bool(patterns[channel] >> bit & 1) for name, (channel, bit) in self._lines.items()
        }

    async def set(self, name: str, level: bool) -> None:
        """Drive one line and read its byte back."""
        channel, bit = self._place(name)
        if channel not in self._outputs:
            raise CommandRefused(f"{self.session.name}: line {name!r} is an input of this bench")
        old = self._written.get(channel)
        pattern = await self._pattern(channel) if old is None else old
        pattern = pattern | 1 << bit if level else pattern & ~(1 << bit)
        # Known from here on, so that another line set meanwhile builds on it.
        self._written[channel] = pattern
        await self.session.command(f"SOUR:DIG:DATA:BYTE {pattern},(@{channel})")
        taken = await self._pattern(channel)
        if (taken ^ pattern) >> bit & 1:
            raise SetpointNotTaken(
                f"{self.session.name} {channel}: wrote {pattern:08b}, read back {taken:08b}"
            )

    async def pulse(self, name: str, seconds: float, *, level: bool = True) -> None:
        """Drive one line to a level for a time, then back; back also when interrupted."""
        try:
            await self.set(name, level)
            await self.session.sleep(seconds)
        finally:
            await self.set(name, not level)

    async def close_relay(self, channel: int) -> None:
        """Close one relay and see that it is."""
        await self._switch("CLOS", channel, closed=True)

    async def open_relay(self, channel: int) -> None:
        """Open one relay and see that it is."""
        await self._switch("OPEN", channel, closed=False)

    async def open_all(self) -> None:
        """Open every relay and see that they are."""
        await self.session.command(f"ROUT:OPEN {RELAYS}")
        states = (await self.session.query(f"ROUT:CLOS? {RELAYS}")).split(",")
        stuck = [str(201 + place) for place, closed in enumerate(states) if state(closed)]
        if stuck:
            raise SetpointNotTaken(f"{self.session.name} relays {', '.join(stuck)} did not open")

    async def relay_is_closed(self, channel: int) -> bool:
        """Whether one relay is closed."""
        return state(await self.session.query(f"ROUT:CLOS? (@{channel})"))

    async def relay_cycles(self, channel: int) -> int:
        """How often one relay has closed in its life."""
        return integer(await self.session.query(f"DIAG:REL:CYCL? (@{channel})"))

    async def read_voltage(self, channel: int) -> float:
        """Voltage at one input, V; raises AnswerGarbled on overload."""
        voltage_v = quantity(await self.session.query(f"MEAS:VOLT:DC? (@{channel})"))
        if abs(voltage_v) >= OVERLOAD:
            raise AnswerGarbled(f"{self.session.name} {channel}: overload")
        return voltage_v

    async def set_source(self, channel: int, voltage_v: float) -> None:
        """Set a voltage output, 104 or 105, and read it back."""
        name = self.session.name
        if channel not in SOURCES:
            raise OutsideRating(f"{name}: no voltage output {channel}; there are 104 and 105")
        if not -HIGHEST_SOURCE_V <= voltage_v <= HIGHEST_SOURCE_V:
            raise OutsideRating(
                f"{name} {channel}: {voltage_v:g} V is outside the rating, "
                f"{-HIGHEST_SOURCE_V:g} to {HIGHEST_SOURCE_V:g} V"
            )
        self._sources.add(channel)
        await self.session.command(f"SOUR:VOLT {voltage_v:.6g},(@{channel})")
        taken = quantity(await self.session.query(f"SOUR:VOLT? (@{channel})"))
        compare(f"{name} {channel}", voltage_v, taken, SOURCE_STEP_V, "V")

    async def count(self) -> int:
        """Edges that the totaliser has counted since it was cleared."""
        return integer(await self.session.query(f"SENS:TOT:DATA? (@{TOTALISER})"))

    async def clear_count(self) -> None:
        """Let the totaliser begin anew."""
        await self.session.command(f"SENS:TOT:CLE:IMM (@{TOTALISER})")

    async def safe_state(self) -> None:
        """Open all relays, let the lines go, which their pull-ups then raise, outputs to 0 V."""
        released = ",".join(str(channel) for channel in sorted(self._outputs))

        async def release() -> None:
            self._written.clear()
            if released:
                await self.session.command(f"CONF:DIG:BYTE (@{released})")

        async def silence() -> None:
            for channel in sorted(self._sources):
                await self.set_source(channel, 0.0)

        await try_each(lambda: self.session.command(f"ROUT:OPEN {RELAYS}"), release, silence)

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.005 % of reading and 2 mV, chosen."""
        return 0.00005 * abs(voltage_v) + 0.002

    def _place(self, name: str) -> tuple[int, int]:
        try:
            return self._lines[name]
        except KeyError:
            known = ", ".join(self._lines)
            raise ValueError(f"no line {name!r}; this bench has {known}") from None

    async def _pattern(self, channel: int) -> int:
        return integer(await self.session.query(f"SOUR:DIG:DATA:BYTE? (@{channel})")) & 0xFF

    async def _switch(self, verb: str, channel: int, *, closed: bool) -> None:
        await self.session.command(f"ROUT:{verb} (@{channel})")
        if await self.relay_is_closed(channel) != closed:
            raise SetpointNotTaken(f"{self.session.name} relay {channel} did not obey {verb}")
