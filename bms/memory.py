"""What survives a power cycle: raw codes by register, and the number of their layout.

The running release gives the codes their meaning. A release that finds an older layout runs the
migrations between the two, once, in order; they are a table, so a release can gain one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bms.firmware import Version

LAYOUT_REGISTER, LAYOUT_BYTES = "layout", 2
Migration = Callable[[dict[str, bytes]], None]


@dataclass(slots=True)
class Memory:
    """Registers of one device: name -> raw bytes. A missing register is one never written."""

    registers: dict[str, bytes] = field(default_factory=dict)

    def write(self, changes: Mapping[str, bytes]) -> None:
        """Take ``changes`` in; what is not named stays."""
        self.registers.update(changes)

    @property
    def layout(self) -> Version | None:
        """The release whose layout the codes have; None on a blank or damaged device."""
        raw = self.registers.get(LAYOUT_REGISTER)
        return None if raw is None or len(raw) != LAYOUT_BYTES else Version(raw[0], raw[1])


def layout_code(version: Version) -> bytes:
    """How a layout number is stored."""
    return bytes((version.major, version.minor))


def migrate(
    registers: Mapping[str, bytes], running: Version, migrations: Mapping[Version, Migration]
) -> dict[str, bytes]:
    """What a first boot of ``running`` has to write: the changes of all migrations not yet run.

    A blank device needs none: the defaults of the running release are its own.
    """
    before = Memory(dict(registers)).layout
    after = dict(registers)
    if before is not None:
        for layout in sorted(migrations):
            if before < layout and not running < layout:
                migrations[layout](after)
    after[LAYOUT_REGISTER] = layout_code(running)
    return {name: raw for name, raw in after.items() if registers.get(name) != raw}
