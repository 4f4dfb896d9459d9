"""What 1.35 changed."""

from bms.boot.loader import BootLoader
from bms.codes import Notice
from bms.exclusions import EXCLUSIONS
from bms.firmware import Basis, Change, Component, Release, Version, seconds
from bms.rooms.events import Events
from bms.rooms.external_can import ExternalCan
from bms.rooms.nmea2000 import Nmea2000
from bms.rooms.settings import Settings
from bms.rooms.status_word import StatusWord


class SohOfRsBatteries(Change, item="v1.35-01", basis=Basis.STATED):
    """NMEA 2000 tells the state of health of RS batteries (of several the lowest: chosen) and of no
    others; before, it was never available.
    """

    deltas = (Nmea2000.soh_of.changed(was=frozenset(), now=frozenset({"RS"})),)


class IdentityMasterLv(Change, item="v1.35-02", basis=Basis.STATED):
    """On NMEA 2000 the device can be MG's Master LV instead of Victron Energy's Lynx Ion BMS: a
    setting (chosen) changes manufacturer code, product code, model and maker; before, it could not.
    """

    deltas = (Settings.defaults.gained("identity"), Nmea2000.identities.gained(1))


class UpdatesAsMasterLv(Change, item="v1.35-03", basis=Basis.STATED, builds_on=("v1.35-02",)):
    """The NMEA 2000 boot loader (1.05: chosen) introduces itself as the device does, as Master LV
    too; before, as a Lynx Ion BMS whatever was set, and who updates did not find his device again.
    """

    deltas = (
        BootLoader.version.changed(was="1.04", now="1.05"),
        BootLoader.manufacturers.gained(1),
    )


class BootLoaderSleeps(Change, item="v1.35-04", basis=Basis.STATED):
    """An update that does not go on for 60 s (chosen) ends in sleep, from which the button or a new
    update wakes it; before, the boot loader stayed awake.
    """

    deltas = (BootLoader.sleeps_after_us.changed(was=None, now=seconds(60)),)


class ChargeVoltageOfSma(Change, item="v1.35-05", basis=Basis.CHOSEN):
    """SMA is told 63.0 V at most, the end of its window (public), while General BMS is told the
    charge voltage as it is; before, SMA was, too, and an inverter discards what it cannot have. The
    log says only that high system voltages are handled better: that they are limited is chosen.
    """

    deltas = (ExternalCan.sma_voltage_max_v.changed(was=None, now=63.0),)


class OverloadEvent(Change, item="v1.35-06", basis=Basis.CHOSEN):
    """A current above what the model of the master supports is an event, after 10 s (chosen);
    before, it was none.
    """

    deltas = (Events.notices.gained(Notice.OVERLOAD),)


class OverloadFlag(Change, item="v1.35-07", basis=Basis.STATED):
    """A current above what the master supports sets bit 29 of the status word; before, no bit."""

    deltas = (StatusWord.flags.gained(29),)


class SettingsThatExcludeEachOther(
    Change, item="v1.35-08", basis=Basis.CHOSEN, builds_on=("v1.09-04", "v1.18-01")
):
    """Settings that exclude each other are refused or corrected: a combined system has no protocol
    of 11 bits, the set points of the relay's function differ, parallel times series is at most 96;
    before, each was taken as it came. The rules are chosen: the log names no combination.
    """

    deltas = tuple(Settings.exclusions.gained(name) for name in EXCLUSIONS)


RELEASE = Release(
    version=Version(1, 35),
    date="2023-07-13",
    changes=(
        SohOfRsBatteries,
        IdentityMasterLv,
        UpdatesAsMasterLv,
        BootLoaderSleeps,
        ChargeVoltageOfSma,
        OverloadEvent,
        OverloadFlag,
        SettingsThatExcludeEachOther,
    ),
    tool_installs=frozenset({Component.BOOT_LOADER}),
)
