"""The rig: benches, scenarios' vocabulary, and the record of what was seen.

What a scenario needs stands here.
"""

from rig.bench import Bench
from rig.can import Frame, parse_frame
from rig.concurrency import together
from rig.dut.firmware_file import FirmwareFile, Part, firmware_file
from rig.dut.terminals import UpdatePath
from rig.dut.tool import DiagnosticTool, LoggedEvent, ToolRefused
from rig.dut.updater import UpdateOutcome
from rig.errors import BenchError, FaultRefused, NotOnThisBench, NotReady, NotWritten, Unmet
from rig.expect import (
    above,
    below,
    between,
    chosen,
    expect,
    other_than,
    with_bit,
    without_bit,
)
from rig.kernel import milliseconds, seconds
from rig.signal import Sample, Signal
from rig.views import CLOSED, OPEN, Contact

__all__ = [
    "CLOSED",
    "OPEN",
    "Bench",
    "BenchError",
    "Contact",
    "DiagnosticTool",
    "FaultRefused",
    "FirmwareFile",
    "Frame",
    "LoggedEvent",
    "NotOnThisBench",
    "NotReady",
    "NotWritten",
    "Part",
    "Sample",
    "Signal",
    "ToolRefused",
    "Unmet",
    "UpdateOutcome",
    "UpdatePath",
    "above",
    "below",
    "between",
    "chosen",
    "expect",
    "firmware_file",
    "milliseconds",
    "other_than",
    "parse_frame",
    "seconds",
    "together",
    "with_bit",
    "without_bit",
]
