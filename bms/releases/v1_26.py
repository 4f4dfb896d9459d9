"""What 1.26 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.soc import Soc
from bms.rooms.ve_can import TakesSoc, VeCan


class SocIsStoredAtACommand(
    Change, item="v1.26-02", basis=Basis.STATED, builds_on=("v1.18-01", "v1.25-09a")
):
    """The state of charge is stored when a combined system is stopped by a command; before, nothing
    valid was (how it was lost is chosen), and after a restart it was unknown.
    """

    deltas = (Soc.stored_at_a_command.changed(was=False, now=True),)


class SocOnlyWhileClosed(Change, item="v1.26-03", basis=Basis.STATED):
    """What VE.Can tells of the state of charge is taken while the contactor is closed only; before,
    always.
    """

    deltas = (VeCan.takes_soc.changed(was=TakesSoc.ALWAYS, now=TakesSoc.WHILE_CLOSED),)


RELEASE = Release(
    version=Version(1, 26),
    date="2021-08-16",
    changes=(SocIsStoredAtACommand, SocOnlyWhileClosed),
)
