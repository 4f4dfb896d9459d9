"""What 1.34 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.registration import Registration
from bms.rooms.relay import Relay
from bms.rooms.warnings import Warnings


class BatteriesOf134(Change, item="v1.34-01", basis=Basis.CHOSEN):
    """RS230 joins the type table (chosen: the log names no type); before, the start ended with
    error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(18),)


class LeakageOfRsIsWatched(Change, item="v1.34-03", basis=Basis.STATED):
    """The leakage detection of RS batteries, and of no others, is watched; before, none was. A leak
    has to last 10 s (chosen).
    """

    deltas = (Warnings.leakage_of.changed(was=frozenset(), now=frozenset({"RS"})),)


class RelayWarnsOfLeakageAndHumidity(Change, item="v1.34-05", basis=Basis.STATED):
    """'Warning' of the programmable relay also tells of a leak and of humidity in a battery;
    before, of neither.
    """

    deltas = (
        Relay.warnings.gained("battery leakage"),
        Relay.warnings.gained("battery humidity"),
    )


RELEASE = Release(
    version=Version(1, 34),
    date="2023-04-25",
    changes=(
        BatteriesOf134,
        LeakageOfRsIsWatched,
        RelayWarnsOfLeakageAndHumidity,
    ),
)
