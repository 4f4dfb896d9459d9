"""What 1.22 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.warnings import of_every_battery
from bms.rooms.registration import Registration
from bms.rooms.warnings import Warnings, where_there_are_sensors


class BatteriesOf122(Change, item="v1.22-01", basis=Basis.CHOSEN):
    """HE250, which has no terminal sensors, joins the type table (chosen: the log names no type);
    before, the start ended with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(12),)


class NoServiceWithoutSensor(Change, item="v1.22-02", basis=Basis.STATED, builds_on=("v1.19-01",)):
    """A battery that never had a sensor at its terminals asks for no service, one whose sensor is
    broken does; before, both did.
    """

    deltas = (
        Warnings.monitors_terminals.changed(was=of_every_battery, now=where_there_are_sensors),
    )


RELEASE = Release(
    version=Version(1, 22),
    date="2019-12-30",
    changes=(BatteriesOf122, NoServiceWithoutSensor),
)
