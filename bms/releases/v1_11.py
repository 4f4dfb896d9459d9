"""What 1.11 changed."""

from dataclasses import replace

from bms.battery.module import Module
from bms.codes import Today
from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.fans import once_it_was_warm
from bms.history.tracking import middle_of_the_extremes
from bms.rooms.balancing import Balancing, HeControl, each_that_is_too_high
from bms.rooms.diagnostics import Diagnostics
from bms.rooms.fans import Fans, at_once
from bms.rooms.precharge import Precharge
from bms.rooms.settings import Settings
from bms.rooms.tracking import SUMMARY, Tracking
from bms.rooms.ve_can import VeCan, not_a_write, only_for_its_group


class UserIdentification(Change, item="v1.11-01", basis=Basis.CHOSEN):
    """The diagnostic tool gives a battery a name, which the battery keeps over a power cycle and
    the tool reads back; before, neither. Its 14 characters are chosen: the log refers to a manual.
    """

    deltas = (
        Module.keeps_identity.changed(was=False, now=True),
        Diagnostics.identifies_batteries.changed(was=False, now=True),
    )


class ToolsAdapters(
    Change,
    item="v1.11-06",
    basis=Basis.CHOSEN,
    exempt="adapters are the PC's; every release is reached through each",
):
    """The tool's CAN drivers are no part of the firmware: its client reaches the device through
    every CAN interface that the rig knows, and the release does not matter.
    """


class SocIsSynchronised(Change, item="v1.11-02", basis=Basis.CHOSEN):
    """Systems in parallel of one group (register 0x0374) tell each other their state of charge by
    register 0x0373 every 5 s, and each takes the mean of its own and what it hears (the mean: our
    choice); before, neither register was there.
    """

    deltas = (
        VeCan.registers.gained(0x0373),
        VeCan.registers.gained(0x0374),
        VeCan.broadcast_is_a_write.changed(was=not_a_write, now=only_for_its_group),
        Settings.defaults.gained("sync_group"),
    )


class ColdPrecharge(Change, item="v1.11-03", basis=Basis.STATED):
    """A cold system may take 30 s to pre-charge; was 10 s (chosen: the log gives no old limit)."""

    deltas = (Precharge.time_limit_us.changed(was=seconds(10), now=seconds(30)),)


class AverageTemperatureOfToday(Change, item="v1.11-04", basis=Basis.STATED):
    """Today's average temperature is weighted by time; before, it was the middle of the day's
    extremes (chosen: the log says only that it was wrong).
    """

    deltas = (
        Tracking.summary.changed(
            Today.TEMPERATURE_C_MEAN,
            was=replace(SUMMARY[Today.TEMPERATURE_C_MEAN], fold=middle_of_the_extremes),
            now=SUMMARY[Today.TEMPERATURE_C_MEAN],
        ),
    )


class FansOffAfterTheirTest(Change, item="v1.11-05", basis=Basis.STATED):
    """After the start-up test the fans of HE batteries are off below 31 degC; before, the test left
    them running until they had once been needed (chosen: the log says only that they ran).
    """

    deltas = (Fans.control_begins.changed(was=once_it_was_warm, now=at_once),)


class HeBalanceOf111(Change, item="v1.11-07", basis=Basis.CHOSEN):
    """HE batteries are balanced to within 18 mV; was 22 (both chosen: the log says only that the
    balance control was updated).
    """

    deltas = (
        Balancing.he.changed(
            was=HeControl(each_that_is_too_high, 0.022, 0.022, seconds(900), None),
            now=HeControl(each_that_is_too_high, 0.018, 0.018, seconds(900), None),
        ),
    )


class NothingElse(
    Change, item="v1.11-08", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.10."""


RELEASE = Release(
    version=Version(1, 11),
    date="2018-07-23",
    changes=(
        UserIdentification,
        SocIsSynchronised,
        ColdPrecharge,
        AverageTemperatureOfToday,
        FansOffAfterTheirTest,
        ToolsAdapters,
        HeBalanceOf111,
        NothingElse,
    ),
)
