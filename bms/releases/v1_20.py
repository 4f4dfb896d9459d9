"""What 1.20 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.external_can import ExternalCan
from bms.rooms.fans import Fans, Thresholds
from bms.rooms.registration import Registration


class SmaCurrentLimit(Change, item="v1.20-01", basis=Basis.STATED):
    """Current limits on SMA go up to 1200.0 A, raw 12000; before, the raw value was
    held at 1200.
    """

    deltas = (ExternalCan.current_raw_max.changed(was=1_200, now=12_000),)


class BatteriesOf120(Change, item="v1.20-02", basis=Basis.CHOSEN):
    """LFP 24 V with passive balancing joins the type table (chosen: the log names no type); before,
    the start ended with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(10),)


class InternalFanHysteresis(Change, item="v1.20-03", basis=Basis.CHOSEN):
    """The internal fan of the 1000 A master is on above 50 and off below 45 degC; before, 50 was
    both, so it chattered there (all chosen: the log says only that the control was updated).
    """

    deltas = (Fans.internal.changed(was=Thresholds(50, 50), now=Thresholds(50, 45)),)


class NothingElse(
    Change, item="v1.20-04", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.19."""


RELEASE = Release(
    version=Version(1, 20),
    date="2019-09-10",
    changes=(
        SmaCurrentLimit,
        BatteriesOf120,
        InternalFanHysteresis,
        NothingElse,
    ),
)
