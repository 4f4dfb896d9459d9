"""How VE.Can messages were once understood."""

from bms.io import CanFrame
from bms.wire import vreg


def by_the_low_bits(frame: CanFrame, address: int) -> vreg.Message | None:
    """Before 1.16: identifiers were compared in their low 11 bits, so an 11 bit frame can match."""
    if frame.extended:
        return vreg.read(frame)
    data = frame.data
    if len(data) != vreg.LENGTH or data[:2] != vreg.HEADER:
        return None
    wanted = address << 8 & 0x700
    if frame.identifier & 0x700 != wanted:
        return None
    return vreg.Message(data[2] | data[3] << 8, address, frame.identifier & 0xFF, data[4:8])


def a_foreign_soc_is_a_write(register: int) -> bool:
    """1.09: what another master broadcasts is taken for a command, and answered by a broadcast."""
    return register == vreg.SOC
