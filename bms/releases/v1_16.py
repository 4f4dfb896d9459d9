"""What 1.16 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.ve_can import by_the_low_bits
from bms.rooms.registration import Registration
from bms.rooms.ve_can import VeCan, only_extended


class StandardFramesAreIgnored(Change, item="v1.16-01", basis=Basis.STATED):
    """Frames with an 11 bit identifier are ignored on VE.Can; before, one whose low bits fit was
    taken.
    """

    deltas = (VeCan.understand.changed(was=by_the_low_bits, now=only_extended),)


class SettingsAreExplained(
    Change,
    item="v1.16-02",
    basis=Basis.STATED,
    exempt="the explanations stand in the settings table, which all releases share",
):
    """The tool shows an explanation for each setting, besides its unit, range and default."""


class BatteriesOf116(Change, item="v1.16-03", basis=Basis.CHOSEN):
    """LFP 24 V 200 Ah joins the type table (chosen: the log names no type); before, the start ended
    with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(8),)


RELEASE = Release(
    version=Version(1, 16),
    date="2019-04-08",
    changes=(
        StandardFramesAreIgnored,
        SettingsAreExplained,
        BatteriesOf116,
    ),
)
