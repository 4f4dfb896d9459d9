"""IEEE 488.2 and SCPI-99 without I/O: bytes in, bytes out, over declared command tables."""

from instruments.scpi.command import Command, setting
from instruments.scpi.common import Memory, status_group
from instruments.scpi.device import Connection, Device, Dialect
from instruments.scpi.errors import ErrorQueue, ScpiError
from instruments.scpi.parameters import (
    Block,
    Boolean,
    ChannelList,
    Choice,
    Extreme,
    Number,
    Parameter,
    Text,
    nearest,
)
from instruments.scpi.status import Register, Status

__all__ = [
    "Block",
    "Boolean",
    "ChannelList",
    "Choice",
    "Command",
    "Connection",
    "Device",
    "Dialect",
    "ErrorQueue",
    "Extreme",
    "Memory",
    "Number",
    "Parameter",
    "Register",
    "ScpiError",
    "Status",
    "Text",
    "nearest",
    "setting",
    "status_group",
]
