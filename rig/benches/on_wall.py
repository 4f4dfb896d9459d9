"""What benches on the wall clock share: decoders of their buses, and what neither of them has."""

from collections.abc import Callable, Mapping
from typing import Any

from rig.can.by_dbc import general_decoder, mgreg_decoder, private_decoder, visedo_decoder
from rig.can.n2k import N2kDecoder
from rig.dut.bluetooth import App, AppAnswer
from rig.errors import NotOnThisBench
from rig.gx_update import GxSupply

CHANNELS = {"private": 0, "ve_can": 1, "external": 2}
DECODERS: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    "private": {"private": private_decoder},
    "ve_can": {"n2k": N2kDecoder, "mgreg": mgreg_decoder},
    "external": {"general": general_decoder, "visedo": visedo_decoder},
}


class NoApp(App):
    """Nobody near this device has an app."""

    def __init__(self) -> None:
        super().__init__(None)

    async def _exchange(self, command: str, register: int, data: bytes) -> AppAnswer | None:
        raise NotOnThisBench("an app on Bluetooth: nobody has a phone beside this device")


class OwnSupply(GxSupply):
    """The GX has a supply of its own here, and no other."""

    def from_the_dut(self, load_w: float) -> None:
        """Raises NotOnThisBench."""
        raise NotOnThisBench("a GX supplied by the device: its IO supply feeds nothing here")
