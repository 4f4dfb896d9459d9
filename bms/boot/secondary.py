"""The secondary boot loader: it brings batteries up again after they were given new firmware."""

from typing import ClassVar

from bms.firmware import Component, Room, Slot, seconds


class SecondaryBootLoader(Room):
    """How long it waits for batteries that restart, before it goes on without them."""

    component: ClassVar[Component] = Component.SECONDARY_BOOT_LOADER
    restart_wait_us = Slot(seconds(12))
