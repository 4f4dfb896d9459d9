"""What 1.13 changed."""

from bms.codes import Tracked
from bms.firmware import Basis, Change, Release, Version
from bms.history.balancing import (
    from_the_highest_to_the_lowest,
    past_the_mean_without_end,
)
from bms.history.dvcc import EveryStep, VoltageWithoutHaste
from bms.rooms.balancing import Balancing
from bms.rooms.dvcc import Dvcc
from bms.rooms.fans import Fans, Thresholds
from bms.rooms.idle import Idle
from bms.rooms.soc import Soc
from bms.rooms.tracking import Tracking


class SocAlgorithm(Change, item="v1.13-01", basis=Basis.CHOSEN):
    """What the shunt tells while the contactor is open is taken off the current, and charge that
    goes in is counted with an efficiency; before, all was counted as it was measured (chosen: the
    log says only that the algorithm was updated). HE batteries are rated with 97 %, too
    cautiously.
    """

    deltas = (
        Soc.measures_zero.changed(was=False, now=True),
        Soc.charge_efficiency.changed("LFP24", was=1.0, now=0.998),
        Soc.charge_efficiency.changed("LFP48", was=1.0, now=0.998),
        Soc.charge_efficiency.changed("HE", was=1.0, now=0.97),
        Soc.charge_efficiency.changed("RS", was=1.0, now=0.999),
    )


class FanThresholds(Change, item="v1.13-02", basis=Basis.STATED):
    """HE fans: on above 30 and off below 29 degC, in Performance above 35 and below 34. Before, in
    both on from 31 degC (chosen: the only figure that the log gives until then, in 1.11).
    """

    deltas = (
        Fans.thresholds.changed(0, was=Thresholds(31, 31), now=Thresholds(30, 29)),
        Fans.thresholds.changed(1, was=Thresholds(31, 31), now=Thresholds(35, 34)),
    )


class ExtremesOfCurrent(Change, item="v1.13-03", basis=Basis.STATED):
    """The highest and the lowest current are tracked; before, neither."""

    deltas = (
        Tracking.ever.gained(Tracked.CURRENT_A_MAX),
        Tracking.ever.gained(Tracked.CURRENT_A_MIN),
    )


class ChargeVoltageIsSteady(Change, item="v1.13-04", basis=Basis.CHOSEN):
    """Near full the charge voltage limit moves by 2 mV/s at most, until the highest cell stands
    within 20 mV above the charged level (both chosen: the log says only that voltage control is
    better then); before, it fell and rose by 80 mV a cell each time that a cell came half way to
    charged.
    """

    deltas = (Dvcc.near_full.changed(was=EveryStep, now=VoltageWithoutHaste),)


class ManyCellsMoveCharge(Change, item="v1.13-05", basis=Basis.CHOSEN):
    """Active balancing moves charge from all cells above the mean to all below it; before, from the
    highest to the lowest only (both chosen: the log says only that it was updated).
    """

    deltas = (
        Balancing.moves.changed(was=from_the_highest_to_the_lowest, now=past_the_mean_without_end),
    )


class IdleShutdownLeavesAChargeAlone(Change, item="v1.13-06", basis=Basis.CHOSEN):
    """An almost discharged system shuts down after 1 h with no energy flow, which is less than 1 A
    (both chosen) either way; before, a charge of up to 5 A (chosen) passed for no flow, and the
    system shut down while it was charged.
    """

    deltas = (Idle.charge_flow_from_a.changed(was=5.0, now=1.0),)


RELEASE = Release(
    version=Version(1, 13),
    date="2018-09-24",
    changes=(
        SocAlgorithm,
        FanThresholds,
        ExtremesOfCurrent,
        ChargeVoltageIsSteady,
        ManyCellsMoveCharge,
        IdleShutdownLeavesAChargeAlone,
    ),
)
