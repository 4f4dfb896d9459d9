"""Settings: what the user chose, its names, and what is stored of it."""

from collections.abc import Mapping

from bms.data import settings
from bms.firmware import Firmware, Room, TableSlot, Version
from bms.memory import Migration, migrate
from bms.status import SettingsStatus, View


def relay_default_of_1_14(registers: dict[str, bytes]) -> None:
    """The update selects the new default function, over whatever was stored (v1.14-09)."""
    registers["setting.relay_function"] = b"\x01"


class Settings(Room):
    """Keeps the settings in force. A stored code means what the running release says it means."""

    strategies = TableSlot[int, str]({0: "Economic", 1: "Performance"})
    external_protocols = TableSlot[int, str]({0: "off", 1: "General BMS", 2: "SMA"})
    relay_functions = TableSlot[int, str]({0: "disabled", 1: "discharge not allowed warning"})
    defaults = TableSlot[str, int](
        {"battery_strategy": 0, "external_protocol": 0, "relay_function": 1}
    )
    migrations = TableSlot[Version, Migration]({Version(1, 14): relay_default_of_1_14})

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes]) -> None:
        super().__init__(firmware)
        self._first_boot = migrate(registers, firmware.version, self.migrations)
        stored = {**registers, **self._first_boot}
        self._choices = {
            setting.name: getattr(self, setting.choices) for setting in settings().values()
        }
        self._values = {
            name: self._stored(stored.get(f"setting.{name}", b""), name, default)
            for name, default in self.defaults.items()
        }
        self._status = self._make_status({})

    def _stored(self, raw: bytes, name: str, default: int) -> int:
        """A stored code, if it is one that this release knows; damaged memory gives the default."""
        return raw[0] if len(raw) == 1 and raw[0] in self._choices[name] else default

    def _make_status(self, writes: Mapping[str, bytes]) -> SettingsStatus:
        return SettingsStatus(values=dict(self._values), choices=self._choices, writes=writes)

    def step(self, now_us: int, view: View) -> SettingsStatus:
        """Take what the tool or a VREG set in the step before; it was checked there."""
        writes = dict(self._first_boot)
        self._first_boot = {}
        for name, code in (*view.diagnostics.settings, *view.ve_can.settings):
            self._values[name] = code
            writes[f"setting.{name}"] = bytes((code,))
        if writes or self._status.writes:
            self._status = self._make_status(writes)
        return self._status
