"""What 1.14 changed."""

from bms.boot.loader import BootLoader
from bms.firmware import Basis, Change, Component, Release, Version, milliseconds, seconds
from bms.history.balancing import past_the_mean_without_end
from bms.history.contactor import DifferenceAfterFiveSeconds, DifferenceAfterOneSecond
from bms.rooms.balancing import Balancing, past_the_mean_until_the_target
from bms.rooms.contactor import Contactor
from bms.rooms.diagnostics import Diagnostics
from bms.rooms.settings import Settings
from bms.rooms.soc import Soc
from bms.rooms.ve_can import VeCan


class BackOnVeCan(Change, item="v1.14-01", basis=Basis.STATED):
    """After bus-off the controller is recovered and the address claimed again; before, never. 200
    ms of patience: chosen, longer than the 128 x 11 bits that the bus itself demands.
    """

    deltas = (VeCan.bus_off_recovery_us.changed(was=None, now=milliseconds(200)),)


class OpeningCheckIsPatient(Change, item="v1.14-02", basis=Basis.CHOSEN):
    """The check of the opened contactor looks after 5 s instead of 1 s (both chosen), which is
    enough for a link of middle size.
    """

    deltas = (
        Contactor.opening_check.changed(
            was=DifferenceAfterOneSecond, now=DifferenceAfterFiveSeconds
        ),
    )


class ActiveBalancingEnds(Change, item="v1.14-03", basis=Basis.CHOSEN):
    """Active balancing ends within the target spread, 6 mV; before, charge was moved to and fro
    without end (both chosen: the log says only that its control was mended).
    """

    deltas = (
        Balancing.moves.changed(was=past_the_mean_without_end, now=past_the_mean_until_the_target),
    )


class BalancerFailureIsReset(Change, item="v1.14-04", basis=Basis.CHOSEN):
    """A battery whose balancer had failed is balanced again when its balancer works. Our reading of
    before: the failure stayed, and the battery was balanced no more, until a power cycle.
    """

    deltas = (Balancing.failure_is_reset.changed(was=False, now=True),)


class BalanceTimerStartsAnew(Change, item="v1.14-05", basis=Basis.CHOSEN):
    """The time of rest before passive balancing is counted from zero at each start. Our reading of
    before: from what the last run had left.
    """

    deltas = (Balancing.timer_starts_anew.changed(was=False, now=True),)


class RatingsOfHe(Change, item="v1.14-06", basis=Basis.CHOSEN):
    """HE batteries have a rating of their own in the count of charge, 99.9 %; was 97 (both
    chosen: the log names the ratings, not their values).
    """

    deltas = (Soc.charge_efficiency.changed("HE", was=0.97, now=0.999),)


class NothingElse(
    Change, item="v1.14-07", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.13."""


class UpdatesOnABusyBus(Change, item="v1.14-08", basis=Basis.STATED):
    """Boot loader 1.04 waits up to 1 s for the next frame of a message; 1.03 gave up after 50 ms
    (times and the older number: chosen), so that an update on a busy bus failed.
    """

    deltas = (
        BootLoader.version.changed(was="1.03", now="1.04"),
        BootLoader.patience_us.changed(was=milliseconds(50), now=seconds(1)),
    )


class RelayDefault(Change, item="v1.14-09", basis=Basis.STATED):
    """The programmable relay's default is 'discharge not allowed warning', and the update to this
    release selects it over a stored choice.
    """

    deltas = (
        Settings.defaults.changed("relay_function", was=0, now=1),
        Settings.relay_functions.gained(1),
        Settings.migrations.gained(Version(1, 14)),
    )


class BootLoaderIsTold(Change, item="v1.14-10", basis=Basis.STATED):
    """The version of the boot loader is told to the diagnostic tool; before, it was not known."""

    deltas = (Diagnostics.tells_of_its_boot_loader.changed(was=False, now=True),)


RELEASE = Release(
    version=Version(1, 14),
    date="2018-11-09",
    changes=(
        BackOnVeCan,
        OpeningCheckIsPatient,
        ActiveBalancingEnds,
        BalancerFailureIsReset,
        BalanceTimerStartsAnew,
        RatingsOfHe,
        NothingElse,
        UpdatesOnABusyBus,
        RelayDefault,
        BootLoaderIsTold,
    ),
    tool_installs=frozenset({Component.BOOT_LOADER}),
)
