"""The real device under test, seen as a technician sees it: by its buses and its lines.

What it is, it is asked: release by VREG 0x0102, serial number and model by its product information
(PGN 126996). A device that answers neither is unknown, and what is unknown is never guessed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from rig.can.encode import ADDRESS_CLAIM_PGN, iso_request
from rig.can.face import CanBus
from rig.can.frame import BROADCAST, Frame
from rig.can.n2k import N2kDecoder
from rig.dut.terminals import Input, NullMode, Output
from rig.errors import NoSupplyRelay, NotOnThisBench
from rig.gx_device import GX_ADDRESS, GxDevice

FIRMWARE_REGISTER, PRODUCT_INFORMATION = 0x0102, 126996  # public: VELIB, NMEA 2000
ASKED_AGAIN = 3  # chosen: a device that has just started may miss the first question
ANSWER_S = 2.0  # chosen: twenty frames of a fast packet take a tenth of it
LOOK_S, ASK_EVERY = 0.05, 20  # chosen: looked at 20 times, and asked once, a second
OFF_S = 1.0  # chosen: what the capacitors of its supply hold, and a margin
HEARD_WITHIN_S = 15.0  # chosen: it starts, waits and claims its address in a third of that


@dataclass(frozen=True, slots=True, kw_only=True)
class DutIdentity:
    """What a device says of itself; None is what it does not say."""

    release: str | None
    serial: str | None
    hardware: str | None
    address: int

    def __str__(self) -> str:
        model = self.hardware or "a device that does not tell its model"
        release, serial = self.release or "unknown", self.serial or "unknown"
        return f"{model}, release {release}, serial {serial}, at address 0x{self.address:02X}"


class RelayCard(Protocol):
    """What cuts the device's supply."""

    async def close_relay(self, channel: int) -> None:
        """Close one relay and see that it is."""

    async def open_relay(self, channel: int) -> None:
        """Open one relay and see that it is."""


async def heard(gx: GxDevice, ve_can: CanBus, within_s: float = HEARD_WITHIN_S) -> bool:
    """Whether the device is there: everybody is asked for an address, it for its release."""
    before = gx.heard.latest
    ve_can.attach("identity", None).send(iso_request(GX_ADDRESS, BROADCAST, ADDRESS_CLAIM_PGN))
    for step in range(round(within_s / LOOK_S)):
        if gx.heard.latest is not before:
            return True
        if step % ASK_EVERY == 0:
            gx.ask(FIRMWARE_REGISTER)
        await asyncio.sleep(LOOK_S)
    return False


async def read_identity(gx: GxDevice, ve_can: CanBus) -> DutIdentity:
    """Ask the device on VE.Can who it is; only asks, changes nothing."""
    release: str | None = None
    for _ in range(ASKED_AGAIN):
        answer = await gx.request(FIRMWARE_REGISTER)
        if answer is not None and answer.kind == "data":
            release = answer.texts.get("firmware_version")
            break
    product = await _product_information(gx, ve_can)
    return DutIdentity(
        release=release or _release_of(product.get("softwareVersionCode")),
        serial=product.get("modelSerialCode") or None,
        hardware=product.get("modelId") or None,
        address=gx.device_address,
    )


def _release_of(text: str | None) -> str | None:
    """1.38 of `v1.38` or `1.38`; None for what is no release."""
    digits = (text or "").strip().lstrip("vV")
    major, _, minor = digits.partition(".")
    return digits if major.isdecimal() and minor.isdecimal() else None


async def _product_information(gx: GxDevice, ve_can: CanBus) -> dict[str, str]:
    """The texts of its product information; empty if none comes."""
    decoder, told = N2kDecoder(), asyncio.get_running_loop().create_future()

    def look(_time_us: int, frame: Frame) -> None:
        if not frame.extended or frame.identifier & 0xFF != gx.device_address:
            return
        message = decoder.decode(frame)
        if message is not None and message.pgn == PRODUCT_INFORMATION and not told.done():
            told.set_result({k: str(v) for k, v in message.fields.items() if v is not None})

    node = ve_can.attach("identity", look)
    try:
        for _ in range(ASKED_AGAIN):
            node.send(iso_request(GX_ADDRESS, gx.device_address, PRODUCT_INFORMATION))
            try:
                async with asyncio.timeout(ANSWER_S):
                    found: dict[str, str] = await asyncio.shield(told)
                    return found
            except TimeoutError:
                continue
    finally:
        node.detach()
    return {}


class RealDevice:
    """A device that nobody can look into."""

    def __init__(self, relays: RelayCard, supply_relay: int | None) -> None:
        self._relays, self._supply_relay = relays, supply_relay

    def drive(self, line: Input, level: bool) -> None:
        """Raises NotOnThisBench: the DAQ drives its lines."""
        missing(f"driving {line} past the DAQ")

    def sense(self, line: Output) -> bool:
        """Raises NotOnThisBench: the DAQ reads its lines."""
        missing(f"reading {line} past the DAQ")

    async def power_cycle(self) -> None:
        """Cut its supply by the relay; it has been on again for as long when this returns.

        Raises NoSupplyRelay where the bench file names none (`dut.supply_relay`).
        """
        if self._supply_relay is None:
            raise NoSupplyRelay("a power cycle: no relay is in the device's supply")
        await self._relays.close_relay(self._supply_relay)
        try:
            await asyncio.sleep(OFF_S)
        finally:
            await self._relays.open_relay(self._supply_relay)
        await asyncio.sleep(OFF_S)

    def become(self, release: str, lacking: Sequence[str]) -> None:
        """Raises NotOnThisBench: a release is installed, not chosen."""
        missing(f"a settable release: {release}")

    def turn_null(self, mode: NullMode) -> None:
        """Raises NotOnThisBench: the proof that a check can fail is made in virtual time."""
        missing(f"a {mode} device")


def missing(what: str) -> NoReturn:
    """Raise NotOnThisBench."""
    raise NotOnThisBench(f"{what}: not on a lab bench")
