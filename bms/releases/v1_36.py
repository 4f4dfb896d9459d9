"""What 1.36 changed."""

from bms.boot.secondary import SecondaryBootLoader
from bms.firmware import Basis, Change, Component, Release, Version, milliseconds, seconds
from bms.history.reception import HeldUpByATask
from bms.reception import EveryFrame
from bms.rooms.balancing import Balancing, HeControl, each_that_is_too_high
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.bluetooth import Bluetooth
from bms.rooms.charger import Charger
from bms.rooms.diagnostics import Diagnostics
from bms.rooms.fans import Fans
from bms.rooms.mg_registers import MgRegisters, Timing
from bms.rooms.nmea2000 import Nmea2000
from bms.rooms.precharge import Precharge
from bms.rooms.ve_can import VeCan
from bms.rooms.visedo import Visedo


class HeBalancesSooner(Change, item="v1.36-01", basis=Basis.STATED):
    """HE batteries always balance while their cells differ by more than 25 mV, and otherwise after
    5 min at rest; before, only after 15 min at rest (both times chosen).
    """

    deltas = (
        Balancing.he.changed(
            was=HeControl(each_that_is_too_high, 0.014, 0.005, seconds(900), None),
            now=HeControl(each_that_is_too_high, 0.014, 0.005, seconds(300), 0.025),
        ),
    )


class HeartbeatOfNmea2000(Change, item="v1.36-02", basis=Basis.CHOSEN):
    """The device tells NMEA 2000 every 60 s that it is there (a standard heartbeat), and changes
    that interval for who asks; before, neither. The log says only that the services were updated.
    """

    deltas = (Nmea2000.heartbeat_us.changed(was=None, now=seconds(60)),)


class MgStatusesOnChange(Change, item="v1.36-03", basis=Basis.CHOSEN, builds_on=("v1.26-05",)):
    """MG's registers that are statuses are told when they change, at most 100 ms late, and else
    every second; before, every 250 ms, changed or not (the log's guide is not public).
    """

    deltas = (
        MgRegisters.statuses.changed(
            was=Timing(milliseconds(250), on_change=False), now=Timing(seconds(1), on_change=True)
        ),
    )


class BluetoothIsFaster(Change, item="v1.36-04", basis=Basis.CHOSEN, builds_on=("v1.23-09",)):
    """Master and Bluetooth module agree on the highest of three speeds that the line carries, and
    fall back to 19200 Bd where none does; before, 19200 Bd it was (all chosen).
    """

    deltas = (Bluetooth.speeds.changed(was=(), now=(115_200, 57_600, 38_400)),)


class MoreRegistersByBluetooth(
    Change, item="v1.36-05", basis=Basis.CHOSEN, builds_on=("v1.23-09",)
):
    """The limits, time to go and the extremes of the cells are offered over Bluetooth; before, they
    were unknown there (chosen: the log says only that the registers were updated).
    """

    deltas = tuple(
        Bluetooth.registers.gained(register)
        for register in (0x0385, 0x0386, 0x0390, 0x0391, 0x0392, 0x0393, 0x0FFE)
    )


class BrokenFuseIsToldApart(Change, item="v1.36-06", basis=Basis.CHOSEN):
    """A pre-charge through which nothing came at all is reported as a broken fuse (error 11, and an
    event of its own: chosen); before, as a failed pre-charge, 25.
    """

    deltas = (Precharge.tells_a_broken_fuse.changed(was=False, now=True),)


class BatteriesHaveTheirTime(Change, item="v1.36-07", basis=Basis.CHOSEN):
    """The secondary boot loader waits up to 12 s for batteries that restart after an update; was 4
    s, in which an RS battery, which needs 8 s, is not back (times chosen: the log names none).
    """

    deltas = (SecondaryBootLoader.restart_wait_us.changed(was=seconds(4), now=seconds(12)),)


class NoWakeUpWhereItIsOff(Change, item="v1.36-08", basis=Basis.STATED):
    """A charger wakes the system only where the setting 0x0375 says so; before, it always did."""

    deltas = (Charger.heeds_the_setting.changed(was=False, now=True),)


class InternalFanWaitsForMeasurements(Change, item="v1.36-09", basis=Basis.STATED):
    """The master's fan stands still until its temperature is known, 2 s after the start; before, it
    ran until then (both chosen).
    """

    deltas = (Fans.internal_before_measured.changed(was=True, now=False),)


class FramesAreLost(Change, item="v1.36-K1", basis=Basis.STATED, cured_by="v1.37-01"):
    """An internal task holds reception up, and frames that arrive meanwhile are lost, on every
    port.
    """

    deltas = (
        BatteryBus.reception.changed(was=EveryFrame, now=HeldUpByATask),
        Nmea2000.reception.changed(was=EveryFrame, now=HeldUpByATask),
        VeCan.reception.changed(was=EveryFrame, now=HeldUpByATask),
        Visedo.reception.changed(was=EveryFrame, now=HeldUpByATask),
        Diagnostics.reception.changed(was=EveryFrame, now=HeldUpByATask),
    )


RELEASE = Release(
    version=Version(1, 36),
    date="2024-02-06",
    changes=(
        HeBalancesSooner,
        HeartbeatOfNmea2000,
        MgStatusesOnChange,
        BluetoothIsFaster,
        MoreRegistersByBluetooth,
        BrokenFuseIsToldApart,
        BatteriesHaveTheirTime,
        NoWakeUpWhereItIsOff,
        InternalFanWaitsForMeasurements,
        FramesAreLost,
    ),
    tool_installs=frozenset({Component.SECONDARY_BOOT_LOADER}),
)
