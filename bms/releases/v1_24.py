"""What 1.24 changed."""

from bms.codes import Notice
from bms.firmware import Basis, Change, Release, Version
from bms.history.warnings import of_the_largest_model
from bms.rooms.board import Board
from bms.rooms.events import Events
from bms.rooms.settings import Settings
from bms.rooms.warning_word import HUMIDITY, WarningWord
from bms.rooms.warnings import Warnings, of_the_model


class HardwareOf124(Change, item="v1.24-01", basis=Basis.CHOSEN):
    """A second hardware of the 600 A model joins the known hardware (chosen: the log names no
    version); before, it called itself by the generic product id, and a start ended with error 7:
    what is unknown cannot be measured with.
    """

    deltas = (Board.known.gained(19),)


class OverCurrentOfTheModel(Change, item="v1.24-02", basis=Basis.STATED):
    """The over-current warnings, bits 13 and 14 of register 0x2100, tell of more current than the
    model of the master is made for, after 5 s (chosen); before, of more than 1000 A whatever the
    model (chosen: the log says only that the base was wrong).
    """

    deltas = (Warnings.current_base.changed(was=of_the_largest_model, now=of_the_model),)


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


class Humidity(Change, item="v1.24-05", basis=Basis.STATED):
    """Batteries with NMC cells, HE and RS, warn of more than 75 % of humidity (public: data sheet
    of HE) after 60 s (chosen); before, and LFP ever, not.
    """

    deltas = (
        Warnings.humidity_of.changed(was=frozenset(), now=frozenset({"HE", "RS"})),
        WarningWord.flags.gained(HUMIDITY),
        Events.notices.gained(Notice.HUMIDITY),
    )


RELEASE = Release(
    version=Version(1, 24),
    date="2020-09-14",
    changes=(
        HardwareOf124,
        OverCurrentOfTheModel,
        GeneralBms,
        StrategyEconomic,
        Humidity,
    ),
)
