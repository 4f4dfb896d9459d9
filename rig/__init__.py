"""The rig: benches, scenarios' vocabulary, and the record of what was seen.

What a scenario needs stands here.
"""

from rig.bench import Bench
from rig.concurrency import together
from rig.dut.terminals import UpdatePath
from rig.errors import BenchError, NotOnThisBench, NotReady, Unmet
from rig.expect import above, below, between, chosen, expect, other_than
from rig.kernel import milliseconds, seconds
from rig.views import CLOSED, OPEN, Contact

__all__ = [
    "CLOSED",
    "OPEN",
    "Bench",
    "BenchError",
    "Contact",
    "NotOnThisBench",
    "NotReady",
    "Unmet",
    "UpdatePath",
    "above",
    "below",
    "between",
    "chosen",
    "expect",
    "milliseconds",
    "other_than",
    "seconds",
    "together",
]
