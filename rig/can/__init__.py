"""CAN: the simulated bus, and the rig's own reading of what is on it (never by `bms.wire`).

`bus`, `node`, `frame`, `timing`: the wire. `vreg`, `n2k`, `by_dbc`: decoders (`decode` says what
they all give). `encode`: what other devices send to the DUT. Libraries load with the first decoder.
"""

from rig.can.bus import Bus
from rig.can.frame import BROADCAST, Frame, Header, header_of, identifier_of, parse_frame
from rig.can.n2k import N2kMessage
from rig.can.node import ControllerState, Node

__all__ = [
    "BROADCAST",
    "Bus",
    "ControllerState",
    "Frame",
    "Header",
    "N2kMessage",
    "Node",
    "header_of",
    "identifier_of",
    "parse_frame",
]
