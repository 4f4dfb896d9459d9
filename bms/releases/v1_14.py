"""What 1.14 changed."""

from bms.firmware import Basis, Change, Component, Release, Version, milliseconds
from bms.history.contactor import DifferenceAfterFiveSeconds, DifferenceAfterOneSecond
from bms.rooms.contactor import Contactor
from bms.rooms.settings import Settings
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


class RelayDefault(Change, item="v1.14-09", basis=Basis.STATED):
    """The programmable relay's default is 'discharge not allowed warning', and the update to this
    release selects it over a stored choice.
    """

    deltas = (
        Settings.defaults.changed("relay_function", was=0, now=1),
        Settings.relay_functions.gained(1),
        Settings.migrations.gained(Version(1, 14)),
    )


RELEASE = Release(
    version=Version(1, 14),
    date="2018-11-09",
    changes=(
        BackOnVeCan,
        OpeningCheckIsPatient,
        RelayDefault,
    ),
    tool_installs=frozenset({Component.BOOT_LOADER}),
)
