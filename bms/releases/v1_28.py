"""What 1.28 changed."""

from bms.boot.loader import BootLoader
from bms.firmware import Basis, Change, Component, Release, Version
from bms.history.start_stop import DeafOnceTheTaskMissedIt
from bms.history.update import LocksItselfOut
from bms.rooms.start_stop import EveryPress, StartStop
from bms.rooms.update import EveryRequest, Update


class VupOnThe1000PcPlus(Change, item="v1.28-01", basis=Basis.STATED, builds_on=("v1.27-01",)):
    """The boot loader takes an image with the generic product id on a 1000 PC+ as well. Our reading
    of before: it did not know that board, and refused the image as one for another product.
    """

    deltas = (BootLoader.products.gained(36),)


class SupplyDoesNotDip(Change, item="v1.28-02", basis=Basis.STATED):
    """When Victron's update begins, the supply at the IO connector stays on; before, it went off
    for 0.3 s (chosen), which a GX device with other loads beside it does not survive.
    """

    deltas = (Update.keeps_io_supplied.changed(was=False, now=True),)


class NothingIsLeftOf127(Change, item="v1.28-K1", basis=Basis.STATED):
    """Every stop request is taken again, and every request to update: what 1.27 brought is gone."""

    deltas = (
        StartStop.button.changed(was=DeafOnceTheTaskMissedIt, now=EveryPress),
        Update.entry.changed(was=LocksItselfOut, now=EveryRequest),
    )


RELEASE = Release(
    version=Version(1, 28),
    date="2021-12-20",
    changes=(
        VupOnThe1000PcPlus,
        SupplyDoesNotDip,
        NothingIsLeftOf127,
    ),
    tool_installs=frozenset({Component.BOOT_LOADER}),
)
