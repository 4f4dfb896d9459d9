"""Laws of every release, watched at the terminals while somebody plays with a device.

A law that a listed defect of a release breaks is not raised there, but noted with the defect's id.
"""

from dataclasses import dataclass, field

from rig import CLOSED, OPEN, Bench, Contact, ToolRefused, chosen, seconds
from rig.alone import Stepwise, bench_alone

STANDBY, RUNNING, ERROR, PRE_CHARGING = 14, 9, 10, 16  # public: register 0x0371
STATES = frozenset({4, 5, 9, 10, 12, 13, 14, 15, 16})  # public: register 0x0371
SOC, DEVICE_MODE, COMBINED = 0x0FFF, 0x0200, 0x0377  # public: VE.Can registers

CELLS, CAPACITY_AH = 8, 230.0  # one LFP battery of 24 V
HIGH_V, LOW_V = chosen((3.60, 2.50), "beyond charged and discharged, and not yet critical")
TOO_HIGH_V = 3.70  # public: above the critical level of LFP, 3650 mV
CHARGE_C, DISCHARGE_C = chosen((0.5, 1.0), "what this LFP battery takes and gives")
MASTER_A = 1000.0  # its model
CELL_V_MAX = chosen(3.55, "the charged level of LFP, 3520 mV, and a cable's drop")
APART_V = chosen(1.3, "the 1 V at which it closes, and what 100 ms may add")
LEVEL_TIMES = chosen(seconds(28), "a level's time after its warning's, and what telling takes")
TOLD = chosen(seconds(8), "the opening of a contactor and its telling")
QUIET_PCT = chosen(0.1, "what the master takes for itself")
START_S, STOP_S, LOOK_S = chosen((9.0, 13.0, 0.5), "a start, a stop, and between two looks")
CLOSELY_S = 0.1
RUN_DOWN_S = chosen(70.0, "the system bus is down, and any clock of a start is over")

# Where a listed defect of the releases breaks a law: first and last release, and its id.
BROKEN_BY = {
    "a start that was interrupted can be repeated": (("1.07", "1.32", "v1.33-03"),),
    "a stop request is taken": (("1.27", "1.27", "v1.27-K1"),),
    "a healthy contactor is not suspected": (
        ("1.07", "1.13", "v1.07-K1"),
        ("1.13", "1.14", "v1.15-01"),
    ),
}


class LawBroken(AssertionError):
    """A device has done what no release may do."""


@dataclass(slots=True)
class Since:
    """Since when a condition has lasted."""

    begun_us: int | None = None

    def follow(self, now_us: int, *, lasts: bool) -> int:
        """For how long it has lasted by now; -1 if it does not."""
        if not lasts:
            self.begun_us = None
            return -1
        if self.begun_us is None:
            self.begun_us = now_us
        return now_us - self.begun_us


@dataclass(slots=True)
class Arranged:
    """What has been done to the device, and can be undone."""

    high: Since = field(default_factory=Since)
    low: Since = field(default_factory=Since)
    charges: bool = False
    draws: bool = False
    limit_a: float | None = None
    limited: Since = field(default_factory=Since)


class WatchedDevice:
    """One device in somebody's hands; each call looks after the laws until it returns."""

    def __init__(self, release: str, seed: str = "1") -> None:
        self.release = release
        self.known: set[str] = set()  # ids of defects that have broken a law
        self._stand = Stepwise(bench_alone(release, seed=seed, parallel=1, soc_pct=60.0))
        self._bench: Bench = self._stand.bench
        self._done = Arranged()
        self._closed = False
        self._apart_v: float | None = None
        self._start_until_us = 0
        self._error, self._off, self._on = Since(), Since(), Since()

    def close(self) -> None:
        """The end of it."""
        self._stand.close()

    # What somebody can do

    def press(self) -> None:
        """The button, and the time of a start or a stop."""
        self._stand.run(self._press(START_S))

    def press_again_after(self, delay_s: float) -> None:
        """A start, broken off at any moment: it ends open, and in time."""
        self._stand.run(self._break_off(delay_s))

    def rest(self) -> None:
        """Time passes; where nothing flows the state of charge stays."""
        self._stand.run(self._rest())

    def charge(self, current_a: float) -> None:
        """A charger on the system bus; 0: off."""
        self._stand.run(self._charge(current_a))

    def draw(self, current_a: float) -> None:
        """A load on the system bus; 0: off."""
        self._stand.run(self._draw(current_a))

    def cell_reads(self, voltage_v: float | None) -> None:
        """One cell's sensor; None: the truth."""
        self._stand.run(self._cell_reads(voltage_v))

    def wait_for_levels(self) -> None:
        """As long as all levels take."""
        self._stand.run(self._live(LEVEL_TIMES / 1e6 + 3))

    def battery_wire(self, *, cut: bool) -> None:
        """The battery's CAN wire."""
        self._stand.run(self._battery_wire(cut))

    def interlock(self, *, closed: bool) -> None:
        """The interlock, which is enabled where there is a setting for it."""
        self._stand.run(self._interlock(closed))

    def tell_soc(self, soc_pct: float) -> None:
        """A state of charge by VE.Can."""
        self._stand.run(self._tell_soc(soc_pct))

    def command(self, *, runs: bool) -> None:
        """A command by VE.Can, to a system that is then a combined one."""
        self._stand.run(self._command(runs))

    def set_limit(self, current_a: float) -> None:
        """The greatest charge current, where there is a setting for it."""
        self._stand.run(self._set_limit(current_a))

    def lose_power(self) -> None:
        """The supply of its electronics dips."""
        self._stand.run(self._lose_power())

    def put_right(self) -> None:
        """All is undone, and the device starts: law of everything that can be repeated."""
        self._stand.run(self._put_right())

    # How

    async def _press(self, wait_s: float) -> None:
        self._start_until_us = self._bench.now_us + seconds(START_S)
        await self._bench.press_start_stop()
        await self._live(wait_s)

    async def _break_off(self, delay_s: float) -> None:
        if self._state() not in {None, STANDBY} or self._closed:
            return
        await self._press(delay_s)
        was_running = self._state() == RUNNING
        await self._press(STOP_S)
        self._law(
            "a stop request is taken" if was_running else "a start that is broken off ends open",
            holds=not self._closed,
            detail=f"broken off after {delay_s:.2f} s, and still closed",
        )

    async def _rest(self) -> None:
        done, before_pct = self._done, self._soc()
        flows = done.charges or done.draws or done.high.begun_us is not None
        await self._live(6.0)
        at_rest_pct = self._soc()
        await self._live(6.0)
        if not flows and before_pct is not None and at_rest_pct is not None:
            moved_pct = abs((self._soc() or 0.0) - at_rest_pct)
            self._law(
                "the state of charge moves with charge, synchronisation or command only",
                holds=moved_pct <= QUIET_PCT,
                detail=f"by {moved_pct:.2f} % at rest",
            )

    async def _charge(self, current_a: float) -> None:
        self._done.charges = current_a > 0
        if current_a > 0:
            self._start_until_us = self._bench.now_us + seconds(START_S)  # it may wake the device
            await self._bench.charger.charge(current_a, 28.0)
        else:
            await self._bench.charger.off()
        await self._live(5.0)

    async def _draw(self, current_a: float) -> None:
        self._done.draws = current_a > 0
        if current_a > 0 and self._closed:
            await self._bench.load.draw(current_a)
        else:
            self._done.draws = False
            await self._bench.load.off()
        await self._live(4.0)

    async def _cell_reads(self, voltage_v: float | None) -> None:
        cell, now_us = self._bench.battery(0).cell(3), self._bench.now_us
        self._done.high.follow(now_us, lasts=voltage_v is not None and voltage_v >= HIGH_V)
        self._done.low.follow(now_us, lasts=voltage_v is not None and voltage_v <= LOW_V)
        if voltage_v is None:
            cell.reads_true()
        else:
            cell.reads(voltage_v)
        await self._live(7.0)

    async def _battery_wire(self, cut: bool) -> None:
        battery = self._bench.battery(0)
        if cut:
            battery.fall_silent()
        else:
            battery.speak_again()
        await self._live(8.0)

    async def _interlock(self, closed: bool) -> None:
        await self._set("interlock", 1)
        if closed:
            await self._bench.close_interlock()
        else:
            await self._bench.open_interlock()
        await self._live(4.0)

    async def _tell_soc(self, soc_pct: float) -> None:
        await self._bench.gx.write(SOC, round(100 * soc_pct).to_bytes(2, "little"))
        await self._live(2.0)

    async def _command(self, runs: bool) -> None:
        self._start_until_us = self._bench.now_us + seconds(START_S)
        await self._bench.gx.write(COMBINED, b"\x01")
        await self._bench.gx.write(DEVICE_MODE, b"\x01" if runs else b"\x04")
        await self._live(START_S)

    async def _set_limit(self, current_a: float) -> None:
        taken = await self._set("charge_current_max_a", current_a)
        self._done.limit_a = current_a if taken and current_a > 0 else None
        self._done.limited = Since()
        await self._live(4.0)

    async def _set(self, name: str, value: float) -> bool:
        try:
            await self._bench.tool.set(name, value)
        except (ToolRefused, KeyError, TimeoutError):
            return False
        return True

    async def _lose_power(self) -> None:
        await self._bench.inject("IO supply dip", duration_s=0.5)
        self._error = Since()
        await self._live(3.0)

    async def _put_right(self) -> None:
        await self._bench.charger.off()
        await self._bench.load.off()
        self._done.charges = self._done.draws = False
        await self._cell_reads(None)
        await self._battery_wire(False)
        await self._bench.close_interlock()
        for _ in range(5):
            if self._state() in {None, STANDBY} and not self._closed:
                break
            await self._press(STOP_S)
        self._law(
            "a stop request is taken",
            holds=not self._closed,
            detail=f"five presses leave it closed, in state {self._state()}",
        )
        await self._live(RUN_DOWN_S, look_s=5.0)
        await self._press(START_S + 3)
        for _ in range(2):  # a press that cleared an error, or one that a combined system waits for
            if not self._closed:
                await self._press(START_S + 3)
        self._law(
            "a start that was interrupted can be repeated",
            holds=self._closed and self._state() == RUNNING,
            detail=f"all is put right, and it is in state {self._state()}",
        )

    # What is seen, and the laws

    def _state(self) -> int | None:
        state = self._told("state")
        return None if state is None else int(state)

    def _soc(self) -> float | None:
        return self._told("soc_pct")

    def _told(self, name: str) -> float | None:
        latest = self._bench.gx.register(name).latest
        return None if latest is None or latest.value is None else float(latest.value)

    async def _live(self, duration_s: float, look_s: float = LOOK_S) -> None:
        """Let time pass and look at the terminals, closely while it may be starting."""
        bench = self._bench
        end_us = bench.now_us + seconds(duration_s)
        while bench.now_us < end_us:
            closely = bench.now_us < self._start_until_us and not self._closed
            if closely:
                battery_v = (await bench.battery_voltage.read()).value
                self._apart_v = battery_v - (await bench.system_voltage.read()).value
            step = min(seconds(CLOSELY_S if closely else look_s), end_us - bench.now_us)
            await bench.wait(max(step, 1000))
            await self._judge()

    async def _judge(self) -> None:
        bench = self._bench
        contactor: Contact = (await bench.contactor.read()).value
        was, self._closed = self._closed, contactor is CLOSED
        if self._closed and not was and self._apart_v is not None:
            # Above the battery a charger holds it, and its own limit bounds what flows.
            self._law(
                "the contactor closes onto no bus that is below the battery's voltage",
                holds=self._apart_v <= APART_V,
                detail=f"{self._apart_v:.2f} V apart",
            )
        if self._closed:
            self._apart_v = None
        self._judge_states(contactor)
        self._judge_limits()
        await self._judge_permissions()

    def _judge_states(self, contactor: Contact) -> None:
        state, now_us = self._state(), self._bench.now_us
        self._law(
            "the device is in a state that the table knows",
            holds=state is None or state in STATES,
            detail=f"state {state}",
        )
        failed_us = self._error.follow(now_us, lasts=state == ERROR)
        self._law(
            "fail-safe means that the contactor is open",
            holds=failed_us < TOLD or contactor is OPEN,
            detail=f"closed {failed_us / 1e6:.1f} s after it",
        )
        off_us = self._off.follow(now_us, lasts=state == STANDBY)
        on_us = self._on.follow(now_us, lasts=state == RUNNING)
        agrees = (off_us < TOLD or contactor is OPEN) and (on_us < TOLD or contactor is CLOSED)
        self._law(
            "the contactor is as the state says",
            holds=agrees,
            detail=f"{contactor} in state {state}",
        )

    def _judge_limits(self) -> None:
        charge_a = self._told("charge_current_limit_a")
        discharge_a = self._told("discharge_current_limit_a")
        voltage_v = self._told("charge_voltage_limit_v")
        lasting_us = self._done.limited.follow(
            self._bench.now_us, lasts=self._done.limit_a is not None
        )
        highest_a = min(MASTER_A, CHARGE_C * CAPACITY_AH)
        if self._done.limit_a is not None and lasting_us > seconds(3):
            highest_a = min(highest_a, self._done.limit_a)
        within = (
            (charge_a is None or charge_a <= highest_a + 0.1)
            and (discharge_a is None or discharge_a <= DISCHARGE_C * CAPACITY_AH + 0.1)
            and (voltage_v is None or voltage_v <= CELLS * CELL_V_MAX)
        )
        self._law(
            "no limit exceeds the lowest of master, batteries, strategy and setting",
            holds=within,
            detail=f"{charge_a} A, {discharge_a} A, {voltage_v} V; at most {highest_a} A charge",
        )

    async def _judge_permissions(self) -> None:
        now_us = self._bench.now_us
        for since, signal, law in (
            (self._done.high, self._bench.allow_charge, "charge above the charged level"),
            (self._done.low, self._bench.allow_discharge, "discharge below the discharged level"),
        ):
            if since.begun_us is not None and now_us - since.begun_us > LEVEL_TIMES:
                allowed = (await signal.read()).value
                self._law(f"no {law} is allowed", holds=not allowed, detail="it is")

    def _law(self, law: str, *, holds: bool, detail: str) -> None:
        """Raises LawBroken unless it holds, or a listed defect of this release breaks it."""
        if holds:
            return
        for first, last, defect in BROKEN_BY.get(law, ()):
            if first <= self.release <= last:
                self.known.add(defect)
                self._bench.note(f"{law}: {detail}; broken by {defect}")
                return
        at_s = self._bench.now_us / 1e6
        raise LawBroken(f"{self.release}: {law}: {detail} (t = {at_s:.3f} s)")
