"""What 1.29 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.registration import Registration


class BatteriesOf129(Change, item="v1.29-01", basis=Basis.CHOSEN):
    """LFP 48 V 100 Ah joins the type table (chosen: the log names no type); before, the start ended
    with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(15),)


class NothingElse(
    Change, item="v1.29-02", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.28."""


RELEASE = Release(
    version=Version(1, 29),
    date="2022-02-08",
    changes=(
        BatteriesOf129,
        NothingElse,
    ),
)
