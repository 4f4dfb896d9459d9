"""Settings: what the user chose, its names, and what is stored of it."""

from collections.abc import Callable, Mapping

from bms.data import settings
from bms.exclusions import EXCLUSIONS, Rule
from bms.firmware import Firmware, Room, Slot, TableSlot, Version
from bms.memory import Migration, migrate
from bms.port_status import TEXT_LENGTH, SettingsStatus
from bms.status import View


def relay_default_of_1_14(registers: dict[str, bytes]) -> None:
    """The update selects the new default function, over whatever was stored (v1.14-09)."""
    registers["setting.relay_function"] = b"\x01"


def readable(raw: bytes) -> str:
    """A stored text: up to its first zero; what is blank or damaged is none."""
    text = raw[:TEXT_LENGTH].split(b"\0")[0].decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() else ""


class Settings(Room):
    """Keeps the settings in force. A stored code means what the running release says it means."""

    strategies = TableSlot[int, str]({0: "Economic", 1: "Performance"})
    external_protocols = TableSlot[int, str](
        {0: "off", 1: "General BMS", 2: "SMA", 3: "Visedo", 4: "VE-MG-NMEA2000"}
    )
    relay_functions = TableSlot[int, str](
        {
            0: "disabled",
            1: "discharge not allowed warning",
            2: "system activated",
            3: "warning",
            4: "fail safe",
            5: "current",
            6: "battery temperature",
            7: "battery cell voltage",
            8: "state of charge",
            9: "external pre-charge",
        }
    )
    sync_groups = TableSlot[int, str]({0: "off", 1: "group 1", 2: "group 2", 3: "group 3"})
    switches = TableSlot[int, str]({0: "off", 1: "on"})
    identities = TableSlot[int, str]({0: "Lynx Ion BMS", 1: "Master LV"})
    data_instances = TableSlot[int, str]({first: str(first) for first in range(0, 256, 32)})
    texts = ("device_name", "device_place")
    battery_counts = TableSlot[int, str](
        {0: "automatic", **{count: str(count) for count in range(1, 97)}}
    )
    defaults = TableSlot[str, int](
        {
            "battery_strategy": 0,
            "external_protocol": 0,
            "relay_function": 1,
            "interlock": 0,
            "invert_charge_relay": 0,
            "invert_charge_signal": 0,
            "invert_discharge_relay": 0,
            "invert_discharge_signal": 0,
            # Chosen, in the steps that settings.toml gives: what a user would start from.
            "relay_current_on_a": 1000,
            "relay_current_off_a": 500,
            "relay_temperature_on_c": 450,
            "relay_temperature_off_c": 400,
            "relay_cell_voltage_on_v": 2_900,
            "relay_cell_voltage_off_v": 3_100,
            "relay_soc_on_pct": 200,
            "relay_soc_off_pct": 300,
            "sync_group": 0,
            "combined": 0,
            "charge_current_max_a": 0,
            "discharge_current_max_a": 0,
            "start_on_charger": 1,
            "batteries_parallel": 0,
            "batteries_series": 0,
            "bluetooth": 1,
            "identity": 0,
            "data_instance": 0,
            "device_instance": 0,
            "system_instance": 0,
        }
    )
    exclusions = TableSlot[str, Rule](EXCLUSIONS)
    strategy_needs_a_reboot = Slot(False)
    text_of = Slot[Callable[[bytes], str]](readable)  # what is stored of it
    migrations = TableSlot[Version, Migration]({Version(1, 14): relay_default_of_1_14})

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes]) -> None:
        super().__init__(firmware)
        self._first_boot = migrate(registers, firmware.version, self.migrations)
        stored = {**registers, **self._first_boot}
        has = [setting for setting in settings().values() if setting.name in self.defaults]
        self._choices = {s.name: getattr(self, s.choices) for s in has if s.choices}
        self._ranges = {s.name: range(s.minimum, s.maximum + 1) for s in has if not s.choices}
        self._values = {
            name: self._stored(stored.get(f"setting.{name}", b""), name, default)
            for name, default in self.defaults.items()
        }
        self._texts = {name: self.text_of(stored.get(name, b"")) for name in self.texts}
        self._first_boot |= self._corrected()
        self._strategy_at_boot = self._values["battery_strategy"]
        self._status = self._make_status({})

    def _corrected(self) -> dict[str, bytes]:
        """Put right what does not go together; what has to be stored of it."""
        writes: dict[str, bytes] = {}
        for rule in self.exclusions.values():
            for name, code in rule.corrections(self._values, self.defaults).items():
                self._values[name] = code
                writes |= _coded(name, code)
        return writes

    def _stored(self, raw: bytes, name: str, default: int) -> int:
        """A stored code, if it is one that this release knows; damaged memory gives the default."""
        size = settings()[name].size
        code = int.from_bytes(raw, "little", signed=size > 1)
        known = self._ranges.get(name) or self._choices[name]
        return code if len(raw) == size and code in known else default

    def _make_status(self, writes: Mapping[str, bytes]) -> SettingsStatus:
        stored = dict(self._values)
        values = stored
        if self.strategy_needs_a_reboot:
            values = {**stored, "battery_strategy": self._strategy_at_boot}
        return SettingsStatus(
            values=values,
            stored=stored,
            rules=tuple(self.exclusions.values()),
            choices=self._choices,
            ranges=self._ranges,
            defaults=self.defaults,
            texts=dict(self._texts),
            writes=writes,
        )

    def step(self, now_us: int, view: View) -> SettingsStatus:
        """Take what the tool or a VREG set in the step before; it was checked there."""
        writes = dict(self._first_boot)
        self._first_boot = {}
        wishes = *view.diagnostics.settings, *view.ve_can.settings, *view.nmea2000.settings
        wishes = *wishes, *view.bluetooth.settings
        for name, code in wishes:
            self._values[name] = code
            writes |= _coded(name, code)
        for name, text in view.nmea2000.texts:
            self._texts[name] = text
            writes[name] = text.encode().ljust(TEXT_LENGTH, b"\0")
        if writes:
            writes |= self._corrected()
        if writes or self._status.writes:
            self._status = self._make_status(writes)
        return self._status


def _coded(name: str, code: int) -> dict[str, bytes]:
    """How a setting is stored."""
    size = settings()[name].size
    return {f"setting.{name}": code.to_bytes(size, "little", signed=size > 1)}
