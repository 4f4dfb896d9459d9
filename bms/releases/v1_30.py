"""What 1.30 changed."""

from bms.battery.measuring import SteadyUntilAStep
from bms.battery.module import Module
from bms.firmware import Basis, Change, Release, Version
from bms.history.charger import ALWAYS
from bms.history.dvcc import SagTakenOut, SteadyInCoarseSteps
from bms.history.module import EachOnItsOwn
from bms.history.registration import with_the_low_discharged_level
from bms.rooms.charger import STANDBY_ONLY, Charger
from bms.rooms.diagnostics import Diagnostics
from bms.rooms.dvcc import Dvcc
from bms.rooms.registration import Registration, levels_of
from bms.wire import diagnostic


class DischargedLevelOfLfp(Change, item="v1.30-01", basis=Basis.CHOSEN):
    """LFP is discharged at 2900 mV, was 2800 mV. The old level is public; the new one is chosen,
    since the log says only that the levels protect better and capacity hardly changes.
    """

    deltas = (Registration.levels_of.changed(was=with_the_low_discharged_level, now=levels_of),)


class BatteriesOf130(Change, item="v1.30-02", basis=Basis.CHOSEN):
    """LFP 24 V 320 Ah joins the type table (chosen: the log names no type); before, the start ended
    with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(16),)


class TerminalTemperaturesAreTold(Change, item="v1.30-03", basis=Basis.STATED):
    """The diagnostic tool shows the temperatures of a battery's two terminals where it measures
    them, and 'not available' elsewhere; before, it showed none. That they are read out by the tool
    is our reading: VE.Can has no register for them.
    """

    deltas = (
        Diagnostics.tells_of_batteries.changed(
            was=frozenset({diagnostic.BATTERY_TEMPERATURES, diagnostic.BATTERY_CELLS}),
            now=frozenset(
                {
                    diagnostic.BATTERY_TEMPERATURES,
                    diagnostic.BATTERY_CELLS,
                    diagnostic.BATTERY_TERMINALS,
                }
            ),
        ),
    )


class SteadierVoltages(Change, item="v1.30-04", basis=Basis.CHOSEN):
    """A battery averages small differences of a cell's voltage and tells a step at once: a quarter
    of the noise without a lag; before, each measurement as it was (chosen: the log says only that
    the processing was improved).
    """

    deltas = (Module.smoothing.changed(was=EachOnItsOwn, now=SteadyUntilAStep),)


class SteadyInEssSystems(Change, item="v1.30-05", basis=Basis.CHOSEN):
    """Near full the charge current limit falls by 10 % of the greatest a second, and comes back by
    0.2 % only (both chosen: the log says only that it is more stable); before, it moved at once
    with every load.
    """

    deltas = (Dvcc.near_full.changed(was=SagTakenOut, now=SteadyInCoarseSteps),)


class OwnPrechargeIsNoCharger(Change, item="v1.30-06", basis=Basis.STATED):
    """A charger is looked for in standby only; before, always, so that the voltage that rises after
    the start button is pressed, by the system's own pre-charge, was reported as one.
    """

    deltas = (Charger.watches.changed(was=ALWAYS, now=STANDBY_ONLY),)


class NothingElse(
    Change, item="v1.30-07", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.29."""


RELEASE = Release(
    version=Version(1, 30),
    date="2022-04-28",
    changes=(
        DischargedLevelOfLfp,
        BatteriesOf130,
        TerminalTemperaturesAreTold,
        SteadierVoltages,
        SteadyInEssSystems,
        OwnPrechargeIsNoCharger,
        NothingElse,
    ),
)
