"""What 1.25 changed."""

from bms.battery.module import Module
from bms.codes import Notice
from bms.firmware import Basis, Change, Release, Version, milliseconds, seconds
from bms.history.indication import dark_while_off
from bms.rooms.battery_bus import BackOff, BatteryBus
from bms.rooms.board import Board
from bms.rooms.dvcc import Dvcc
from bms.rooms.events import Events
from bms.rooms.fail_safe import FailSafe
from bms.rooms.indication import Indication, of_a_combined_system
from bms.rooms.power import Power
from bms.rooms.protection import Protection
from bms.rooms.registration import Registration
from bms.rooms.settings import Settings
from bms.rooms.soc import Soc
from bms.rooms.ve_can import VeCan


class HardwareOf125(Change, item="v1.25-01", basis=Basis.CHOSEN):
    """A second hardware of the 1000 A model joins the known hardware (chosen: the log names no
    version); before, it called itself by the generic product id, and a start ended with error 7:
    what is unknown cannot be measured with.
    """

    deltas = (Board.known.gained(20),)


class BatteriesOf125(Change, item="v1.25-02", basis=Basis.CHOSEN):
    """RS132 14S joins the type table (chosen: the log names no type); before, the start ended with
    error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(14),)


class ExternalPrecharge(Change, item="v1.25-03", basis=Basis.STATED):
    """The programmable relay can work a pre-charge circuit outside the master: it is closed while
    pre-charging lasts (chosen); before, there was no such function.
    """

    deltas = (Settings.relay_functions.gained(9),)


class CriticalChargeOfLfp(Change, item="v1.25-04a", basis=Basis.CHOSEN):
    """A charge current above 0.65 C for 60 s (both chosen) ends in fail-safe for LFP batteries;
    before, nothing tripped.
    """

    deltas = (
        Protection.critical_charge.gained("LFP24"),
        Protection.critical_charge.gained("LFP48"),
    )


class CriticalChargeOfHe(Change, item="v1.25-04b", basis=Basis.CHOSEN):
    """A charge current above the data sheet's peak of 1.5 C, for 10 s (chosen), ends in fail-safe
    for HE batteries; before, nothing tripped.
    """

    deltas = (Protection.critical_charge.gained("HE"),)


class CriticalChargeOfRs(Change, item="v1.25-04c", basis=Basis.CHOSEN):
    """A charge current above 1.3 C for 30 s (both chosen) ends in fail-safe for RS batteries;
    before, nothing tripped.
    """

    deltas = (Protection.critical_charge.gained("RS"),)


class SocBelowFull(Change, item="v1.25-05", basis=Basis.STATED):
    """The state of charge stays at 99.9 % while charging is allowed; before, it reached 100 %."""

    deltas = (Soc.held_below_full_pct.changed(was=100.0, now=99.9),)


class PrivateBusComesBack(Change, item="v1.25-06", basis=Basis.CHOSEN):
    """After bus-off on the private bus the master comes back, each time after twice as long a wait,
    and logs it as event 82; before, it stayed away until it was restarted (our reading of an
    updated internal CAN).
    """

    deltas = (
        BatteryBus.bus_off.changed(
            was=None, now=BackOff(milliseconds(200), seconds(5), seconds(10))
        ),
        Events.notices.gained(Notice.PRIVATE_BUS_OFF),
    )


class BatteriesOnTheBus(Change, item="v1.25-07", basis=Basis.CHOSEN):
    """All batteries sample the private bus at 87.5 % of a bit, and come back from bus-off after
    half a second; before, they sampled at 75 %, too early on a long bus, and stayed away (all
    chosen: the log says only that timing and error handling were fixed).
    """

    deltas = (
        Module.sample_point_pct.changed(was=75.0, now=87.5),
        Module.bus_off_recovery_us.changed(was=None, now=milliseconds(500)),
    )


class ShutdownConsumption(Change, item="v1.25-08", basis=Basis.STATED):
    """In the shutdown state the master takes 30 % less: 7 mA, was 10 mA (the figures: chosen)."""

    deltas = (Power.shutdown_a.changed(was=0.0100, now=0.0070),)


class CommandsByVeCan(Change, item="v1.25-09a", basis=Basis.STATED, builds_on=("v1.18-01",)):
    """A combined system starts and stops at a command by VE.Can, the device mode 0x0200 (which
    register is chosen); before, it refused it.
    """

    deltas = (VeCan.registers.gained(0x0200),)


class FlashesOfCombinedSystems(
    Change, item="v1.25-09b", basis=Basis.STATED, builds_on=("v1.18-01", "v1.25-09a")
):
    """While it is off, the green LED of a combined system flashes: short in service mode (chosen:
    the button stopped it), half while it waits for a command, long when the output has its voltage;
    before, it was dark.
    """

    deltas = (Indication.flashes.changed(was=dark_while_off, now=of_a_combined_system),)


class PrechargingIsWatched(Change, item="v1.25-10", basis=Basis.CHOSEN):
    """A fail-safe condition ends a pre-charge, and the contactor stays open; before, it was looked
    at only once the contactor was on its way (chosen: the log says that it was not handled).
    """

    deltas = (FailSafe.watches_precharging.changed(was=False, now=True),)


class LimitReturnsByOneDegree(Change, item="v1.25-11", basis=Basis.STATED):
    """When the temperature returns to the operating area the limit moves in steps of 1 degC; was
    2.
    """

    deltas = (Dvcc.return_step_k.changed(was=2.0, now=1.0),)


RELEASE = Release(
    version=Version(1, 25),
    date="2021-03-16",
    changes=(
        HardwareOf125,
        BatteriesOf125,
        ExternalPrecharge,
        CriticalChargeOfLfp,
        CriticalChargeOfHe,
        CriticalChargeOfRs,
        SocBelowFull,
        PrivateBusComesBack,
        BatteriesOnTheBus,
        ShutdownConsumption,
        CommandsByVeCan,
        FlashesOfCombinedSystems,
        PrechargingIsWatched,
        LimitReturnsByOneDegree,
    ),
)
