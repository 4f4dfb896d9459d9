"""What 1.31 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.registration import Registration


class BatteriesOf131(Change, item="v1.31-01", basis=Basis.CHOSEN):
    """LFP 48 V 150 Ah joins the type table (chosen: the log names no type); before, the start ended
    with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(17),)


class NothingElse(
    Change, item="v1.31-02", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.30."""


RELEASE = Release(
    version=Version(1, 31),
    date="2022-08-22",
    changes=(
        BatteriesOf131,
        NothingElse,
    ),
)
