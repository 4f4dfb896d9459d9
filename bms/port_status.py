"""What rooms tell of all that outsiders set, ask for and are told; the rest is `bms.status`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bms.codes import Error
from bms.io import Frame

TEXT_LENGTH = 64  # public: of register 0x010C, VELIB


class Exclusion(Protocol):
    """A rule on settings that exclude each other."""

    def objects(self, values: Mapping[str, int], name: str, code: int) -> bool:
        """Whether this choice is refused, as the other settings are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsStatus:
    """The settings in force, by name, and what has to be stored."""

    values: Mapping[str, int] = field(default_factory=dict)
    stored: Mapping[str, int] = field(default_factory=dict)  # what the user chose: told, and kept
    choices: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    ranges: Mapping[str, range] = field(default_factory=dict)  # of the settings that are numbers
    defaults: Mapping[str, int] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)  # what the user called it
    rules: tuple[Exclusion, ...] = ()
    writes: Mapping[str, bytes] = field(default_factory=dict)

    @staticmethod
    def takes_text(text: str) -> bool:
        """Whether a text can be stored: printable, and not too long."""
        return len(text) <= TEXT_LENGTH and text.isascii() and (text.isprintable() or not text)

    def limits(self, name: str) -> tuple[int, int, int]:
        """The lowest and the highest code of a setting, and its default."""
        codes = self.ranges.get(name) or sorted(self.choices[name])
        return codes[0], codes[-1], self.defaults[name]

    def takes(self, name: str, code: int) -> bool:
        """Whether this release has the setting, the code is one of it, and no rule objects.

        A rule that does not object has a correction instead.
        """
        if name not in self.values or code not in (self.ranges.get(name) or self.choices[name]):
            return False
        return not any(rule.objects(self.stored, name, code) for rule in self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsStatus:
    """The event log: numbers with the time of each, newest last."""

    log: tuple[tuple[int, int], ...] = ()
    last_errors: tuple[int, ...] = ()
    writes: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingStatus:
    """Tracked values of all times, and of today and the days before, by their numbers."""

    ever: Mapping[int, float] = field(default_factory=dict)
    days: tuple[Mapping[int, float], ...] = ()
    writes: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWordStatus:
    """The status word of register 0x2100."""

    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningWordStatus:
    """The warnings that the diagnostic tool shows."""

    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticsStatus:
    """The session with the diagnostic tool."""

    sent: tuple[Frame, ...] = ()  # on VE.Can
    settings: tuple[tuple[str, int], ...] = ()  # name and code, checked
    unlocks: bool = False  # the safety lock, by its code
    identity: tuple[int, bytes] | None = None  # what the user calls the battery of a node
    wants_update_us: int | None = None  # when it asked for the boot loader
    updates_batteries: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryUpdateStatus:
    """New firmware for the batteries: whether it is on its way, or how the last one ended."""

    active: bool = False
    error: Error = Error.NONE
    sent: tuple[Frame, ...] = ()  # on the private bus


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStatus:
    """The way into the boot loader."""

    locked: bool = False  # no update is possible any more
    begun: bool = False  # it restarts soon
    io_supply_on: bool = True
    restart: bool = False
    sent: tuple[Frame, ...] = ()  # on VE.Can
    writes: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nmea2000Status:
    """The device's address on NMEA 2000, what it sends there, and what it was told."""

    address: int = 0x50  # its own; 254: none
    ready: bool = False  # the address is claimed, and frames may be sent from it
    sent: tuple[Frame, ...] = ()
    settings: tuple[tuple[str, int], ...] = ()  # name and code, checked
    texts: tuple[tuple[str, str], ...] = ()  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class VeCanStatus:
    """What the VE.Can room sends, and what it was told."""

    sent: tuple[Frame, ...] = ()
    recover: bool = False
    soc_command_pct: float | None = None
    group_soc_pct: float | None = None  # what another system of our group has told
    runs: bool | None = None  # a command: start, or stop
    relay: int | None = None  # a command: open 0, or close 1, what is free
    restarts: bool = False  # a command: stop, and start again
    settings: tuple[tuple[str, int], ...] = ()  # name and code, checked


@dataclass(frozen=True, slots=True, kw_only=True)
class MgRegistersStatus:
    """MG's own registers, as they are sent on VE.Can."""

    sent: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VisedoStatus:
    """What the external port sends by the Visedo protocol."""

    sent: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BluetoothStatus:
    """The serial line to the Bluetooth module."""

    present: bool = False
    sent: bytes = b""
    baud: int = 19_200
    acknowledged_us: int = -1  # when three presses of the button were last acknowledged
    settings: tuple[tuple[str, int], ...] = ()  # name and code, checked


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCanStatus:
    """What the external port sends."""

    sent: tuple[Frame, ...] = ()
