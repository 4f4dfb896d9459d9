"""What 1.24 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.board import Board
from bms.rooms.settings import Settings


class HardwareOf124(Change, item="v1.24-01", basis=Basis.CHOSEN):
    """A second hardware of the 600 A model joins the known hardware (chosen: the log names no
    version); before, it called itself by the generic product id, and a start ended with error 7:
    what is unknown cannot be measured with.
    """

    deltas = (Board.known.gained(19),)


class GeneralBms(Change, item="v1.24-03", basis=Basis.PUBLIC):
    """General BMS takes the code that SMA had, and SMA a new one: a stored choice of SMA means
    General BMS after the update.
    """

    deltas = (
        Settings.external_protocols.changed(1, was="SMA", now="General BMS"),
        Settings.external_protocols.gained(2),
    )


class StrategyEconomic(Change, item="v1.24-04", basis=Basis.STATED):
    """The battery strategy 'Default' is called 'Economic'."""

    deltas = (Settings.strategies.changed(0, was="Default", now="Economic"),)


RELEASE = Release(
    version=Version(1, 24),
    date="2020-09-14",
    changes=(
        HardwareOf124,
        GeneralBms,
        StrategyEconomic,
    ),
)
