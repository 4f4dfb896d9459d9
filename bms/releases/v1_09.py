"""What 1.09 changed."""

from bms.extremes import of_the_valid
from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.dvcc import EveryStep, FullOrNothing
from bms.history.extremes import compared_with_the_first
from bms.history.registers import (
    CAPACITY_OF_NOTHING,
    CONFIGURATION_OF_NOTHING,
    LINK_LIMIT_OF_ALL_OR_NOTHING,
    LINK_PERCENTAGE_OF_ALL_OR_NOTHING,
)
from bms.history.start_stop import refuse_at_once
from bms.history.ve_can import a_foreign_soc_is_a_write
from bms.registers import REGISTERS
from bms.rooms.contactor import Contactor
from bms.rooms.dvcc import Dvcc
from bms.rooms.protection import Protection
from bms.rooms.settings import Settings
from bms.rooms.start_stop import StartStop, wait_for_a_charger
from bms.rooms.temperatures import Temperatures
from bms.rooms.ve_can import TakesSoc, VeCan, not_a_write


class CriticallyLowStart(Change, item="v1.09-01", basis=Basis.STATED):
    """A start with a critically low cell gives the user 2 minutes to charge with 4 A, and 10
    minutes to bring the cell above the warning level; before, it was refused.
    """

    deltas = (StartStop.low_start.changed(was=refuse_at_once, now=wait_for_a_charger),)


class InterlockEnable(Change, item="v1.09-02", basis=Basis.STATED):
    """A setting enables the interlock, on hardware that has its input: the open loop opens the main
    contactor at once; before, it had no effect.
    """

    deltas = (Settings.defaults.gained("interlock"),)


class PermissionLinesCanBeInverted(Change, item="v1.09-03", basis=Basis.STATED):
    """Relay and signal of allow-to-charge and of allow-to-discharge can be inverted, each by a
    setting of its own; before, none. Where the log says 'relay' twice, the signal is read.
    """

    deltas = (
        Settings.defaults.gained("invert_charge_relay"),
        Settings.defaults.gained("invert_charge_signal"),
        Settings.defaults.gained("invert_discharge_relay"),
        Settings.defaults.gained("invert_discharge_signal"),
    )


class RelayFunctions(Change, item="v1.09-04", basis=Basis.STATED):
    """The programmable relay can tell of seven things, four of them by set points of their own;
    before, it was disabled and there was nothing to choose.
    """

    deltas = (
        *(Settings.relay_functions.gained(code) for code in range(2, 9)),
        Settings.defaults.gained("relay_current_on_a"),
        Settings.defaults.gained("relay_current_off_a"),
        Settings.defaults.gained("relay_temperature_on_c"),
        Settings.defaults.gained("relay_temperature_off_c"),
        Settings.defaults.gained("relay_cell_voltage_on_v"),
        Settings.defaults.gained("relay_cell_voltage_off_v"),
        Settings.defaults.gained("relay_soc_on_pct"),
        Settings.defaults.gained("relay_soc_off_pct"),
    )


class LimitsAreControlled(Change, item="v1.09-05", basis=Basis.CHOSEN):
    """DVCC: the charge limits fall as the highest cell nears the charged level; before, they were
    fixed. How they fall is chosen: the current linearly from almost charged on, the voltage to that
    of almost charged cells once one is half way to charged.
    """

    deltas = (Dvcc.near_full.changed(was=FullOrNothing, now=EveryStep),)


class ShutdownTime(Change, item="v1.09-06", basis=Basis.STATED):
    """From the stop request to the open contactor 8 s, in which chargers follow their limits; was
    2 s.
    """

    deltas = (Contactor.shutdown_time_us.changed(was=seconds(2), now=seconds(8)),)


class SocByRegister(Change, item="v1.09-07", basis=Basis.STATED):
    """A write to register 0x0FFF sets the state of charge; before, it was ignored."""

    deltas = (VeCan.takes_soc.changed(was=TakesSoc.NEVER, now=TakesSoc.ALWAYS),)


class RelayByRegister(Change, item="v1.09-08", basis=Basis.CHOSEN):
    """A write to register 0x034E opens and closes the programmable relay while its function is
    'disabled', and is refused while it has one; before, every write was (chosen: the log says only
    that the handling was updated).
    """

    deltas = (VeCan.commands.gained(0x034E),)


class LinkPercentageIsControlled(
    Change, item="v1.09-09", basis=Basis.STATED, builds_on=("v1.08-01", "v1.09-05")
):
    """Register 0x2014 carries the controlled charge current in percent of the greatest; before,
    0 or 100 %.
    """

    deltas = (
        VeCan.registers.changed(
            0x2014, was=LINK_PERCENTAGE_OF_ALL_OR_NOTHING, now=REGISTERS[0x2014]
        ),
    )


class LinkLimitIsControlled(
    Change, item="v1.09-10", basis=Basis.STATED, builds_on=("v1.08-01", "v1.09-05")
):
    """Register 0x2015 carries the controlled charge current in amperes, as the limit 0x0391 does;
    before, the greatest or 0.
    """

    deltas = (
        VeCan.registers.changed(0x2015, was=LINK_LIMIT_OF_ALL_OR_NOTHING, now=REGISTERS[0x2015]),
    )


class ExtremesAreValid(Change, item="v1.09-11", basis=Basis.CHOSEN):
    """The highest and lowest cell voltage and temperature are those of the valid readings; before,
    all were compared with the first, and an invalid one stayed (chosen: the log says only that
    they were invalid).
    """

    deltas = (
        Protection.extremes.changed(was=compared_with_the_first, now=of_the_valid),
        Temperatures.extremes.changed(was=compared_with_the_first, now=of_the_valid),
    )


class UnknownUntilRegistered(Change, item="v1.09-12", basis=Basis.CHOSEN):
    """Capacity and configuration are not available until the batteries have registered; before,
    they were zero (chosen: the log says only that their invalidation was fixed).
    """

    deltas = (
        VeCan.registers.changed(0x1000, was=CAPACITY_OF_NOTHING, now=REGISTERS[0x1000]),
        VeCan.registers.changed(0x0380, was=CONFIGURATION_OF_NOTHING, now=REGISTERS[0x0380]),
    )


class NothingElse(
    Change, item="v1.09-13", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.08, but for the defect v1.09-K1."""


class SerialsFromHq1746(
    Change,
    item="v1.09-14",
    basis=Basis.STATED,
    exempt="1.08 brought it, with the product ids of v1.08-05",
):
    """Batteries from HQ1746 on are registered by every release but 1.07."""


class MastersAnswerEachOther(Change, item="v1.09-K1", basis=Basis.STATED, cured_by="v1.10-01"):
    """Two masters on VE.Can take each other's state of charge for a command and answer without
    end.
    """

    deltas = (VeCan.broadcast_is_a_write.changed(was=not_a_write, now=a_foreign_soc_is_a_write),)


RELEASE = Release(
    version=Version(1, 9),
    date="2018-01-18",
    changes=(
        CriticallyLowStart,
        InterlockEnable,
        PermissionLinesCanBeInverted,
        RelayFunctions,
        LimitsAreControlled,
        ShutdownTime,
        SocByRegister,
        RelayByRegister,
        LinkPercentageIsControlled,
        LinkLimitIsControlled,
        ExtremesAreValid,
        UnknownUntilRegistered,
        NothingElse,
        SerialsFromHq1746,
        MastersAnswerEachOther,
    ),
)
