"""A multimeter on an in-process VISA library, with values at its terminals."""

import random
from dataclasses import dataclass

from instruments.drivers.dmm6500 import Dmm6500
from instruments.drivers.truevolt34465a import Truevolt34465a
from instruments.tests.stand import Clock
from instruments.twins.dmm6500 import Dmm6500Twin
from instruments.twins.metering import FixedInputs, Quantity
from instruments.twins.truevolt34465a import Truevolt34465aTwin
from instruments.visa import TwinLibrary

ADDRESS = "TCPIP::meter.bench::5025::SOCKET"
KINDS = {"34465A": (Truevolt34465aTwin, Truevolt34465a), "DMM6500": (Dmm6500Twin, Dmm6500)}


@dataclass
class Made:
    """A meter on the bench, with what its terminals see."""

    clock: Clock
    library: TwinLibrary
    twin: Truevolt34465aTwin | Dmm6500Twin
    inputs: FixedInputs

    def ask(self, message: str) -> str:
        return self.twin.conversation().receive(f"{message}\n".encode()).decode("latin-1").strip()

    def say(self, message: str) -> None:
        assert self.ask(message) == ""


def make(model: str) -> Made:
    clock, library = Clock(), TwinLibrary.create()
    twin = KINDS[model][0](serial="MY5", dice=random.Random(3), now_us=clock.now_us)
    inputs = FixedInputs({Quantity.DC_VOLTAGE: 12.5})
    twin.connect(inputs=inputs)
    library.register(ADDRESS, twin)
    return Made(clock, library, twin, inputs)
