"""What 1.19 changed."""

from bms.codes import Notice
from bms.firmware import Basis, Change, Release, Version
from bms.history.warnings import of_every_battery, of_no_battery
from bms.rooms.dvcc import Dvcc
from bms.rooms.events import Events
from bms.rooms.relay import Relay
from bms.rooms.warning_word import SERVICE, WarningWord
from bms.rooms.warnings import Warnings


class TerminalDerating(Change, item="v1.19-01", basis=Basis.STATED):
    """A hot battery terminal lowers both current limits, from 64 degC on, to nothing at 69 degC
    (linear: chosen); before, not at all. A terminal sensor that tells nothing for 20 s (chosen)
    asks for service, even where there never was one (v1.22-02).
    """

    deltas = (
        Dvcc.terminal_derating_c.changed(was=None, now=(64.0, 69.0)),
        Warnings.monitors_terminals.changed(was=of_no_battery, now=of_every_battery),
        WarningWord.flags.gained(SERVICE),
        Events.notices.gained(Notice.SERVICE),
        Relay.warnings.gained("service requested"),
    )


class NothingElse(
    Change, item="v1.19-02", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.18."""


RELEASE = Release(
    version=Version(1, 19),
    date="2019-08-05",
    changes=(
        TerminalDerating,
        NothingElse,
    ),
)
