"""What 1.38 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.temperatures import every_sensor_counts
from bms.rooms.permissions import Permissions
from bms.rooms.temperatures import Temperatures, off_the_median


class DeviatingSensorsAreLeftOut(Change, item="v1.38-08", basis=Basis.STATED):
    """LFP 24 V 230 and 280 Ah: a sensor far off (10 K: chosen) all others is not monitored but
    stays visible; more than two in one battery end in fail-safe. Before, each counted as a hot
    cell.
    """

    deltas = (Temperatures.deviating.changed(was=every_sensor_counts, now=off_the_median),)


class ChargeAllowedSooner(Change, item="v1.38-11", basis=Basis.CHOSEN):
    """After fully charged, charging is allowed again once 1 % of the capacity is discharged; was 2
    % (both chosen: the log says only that more was asked than expected).
    """

    deltas = (Permissions.recharge_after_pct.changed(was=2.0, now=1.0),)


RELEASE = Release(
    version=Version(1, 38),
    date="2024-09-09",
    changes=(
        DeviatingSensorsAreLeftOut,
        ChargeAllowedSooner,
    ),
)
