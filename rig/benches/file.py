"""Bench files: roles to instruments, lines and channels, and the envelope.

Read once, at the edge, into types. Whatever is wrong is said in one line that names the file, the
field and what is allowed.
"""

import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from rig.dut.terminals import Input, Output
from rig.errors import BenchFileError
from rig.plant.fmu_file import FmuFile, FmuRefused, read_fmu
from rig.safety.envelope import Envelope

FOLDER = Path(__file__).parent
KINDS = ("simulated", "wire")
ROLES: Mapping[str, tuple[str, ...]] = {
    "charger": ("EA PSB 10080-1000",),
    "load": ("Chroma 63206A-150-600",),
    "daq": ("Keysight DAQ970A",),
}
# A line of the DUT's on a byte that the DAQ drives would be forced: each kind has its channel.
CHANNELS: Mapping[str, int] = {
    **{str(line): 101 for line in Output},
    **{str(line): 102 for line in Input},
}
VOLTAGES = frozenset({"battery", "system"})
NEEDED_LINES = tuple(str(line) for line in Input) + tuple(
    str(line)
    for line in (
        Output.CONTACTOR_AUX,
        Output.ALLOW_CHARGE,
        Output.ALLOW_DISCHARGE,
        Output.PROGRAMMABLE_RELAY,
    )
)
RESOURCE = re.compile(r"(TCPIP|ASRL|USB|GPIB)\d*::.+::(SOCKET|INSTR)")
# Outputs that are a voltage rather than a contact can be read by the multiplexer.
SIGNALS = frozenset({str(Output.ALLOW_CHARGE_SIGNAL), str(Output.ALLOW_DISCHARGE_SIGNAL)})
SECTIONS = ("bench", "envelope", "roles", "lines", "voltages", "signals", "supply_shunt", "plant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """An instrument's certificate; `due` is the last day on which it counts."""

    certificate: str
    calibrated: date
    due: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One instrument on the bench."""

    model: str
    resource: str
    serial: str | None
    calibration: Calibration | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shunt:
    """A resistor in the DUT's supply lead, and the channel that measures across it."""

    channel: int
    ohm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchFile:
    """A bench as its file states it."""

    path: Path
    name: str
    kind: str
    description: str
    sha256: str
    envelope: Envelope
    roles: Mapping[str, Role]
    lines: Mapping[str, tuple[int, int]]
    voltages: Mapping[str, int]
    signals: Mapping[str, int]
    supply_shunt: Shunt | None
    fmu: FmuFile | None  # the batteries' cells, if they are not our own plant's


def known_benches() -> tuple[str, ...]:
    """The names of the benches that come with the project."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_bench(name_or_path: str) -> BenchFile:
    """Read a bench by its name, or by the path of its file.

    Raises BenchFileError for an unknown bench and for anything wrong in the file.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
        if not path.is_file():
            known = ", ".join(known_benches())
            raise BenchFileError(
                f"bench {name_or_path!r} is unknown: allowed are {known}, or a path to a .toml file"
            )
    try:
        text = path.read_bytes()
        content = tomllib.loads(text.decode())
    except OSError as error:
        raise BenchFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchFileError(f"{path}: is no TOML: {error}") from error
    return _Reader(path).bench(content, hashlib.sha256(text).hexdigest())


class _Reader:
    """Takes a bench file apart; every complaint begins with the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def bench(self, content: dict[str, Any], sha256: str) -> BenchFile:
        self._allowed("", content, SECTIONS)
        head = self._table(content, "bench")
        self._allowed("bench.", head, ("name", "kind", "description"))
        kind = self._text(head, "bench.kind", allowed=KINDS)
        envelope = self._table(content, "envelope")
        names = ("voltage_v_max", "charge_current_a_max", "discharge_current_a_max")
        self._allowed("envelope.", envelope, names)
        limits = {name: self._positive(envelope, f"envelope.{name}") for name in names}
        voltages = self._voltages(self._table(content, "voltages"))
        return BenchFile(
            path=self._path.resolve(),
            name=self._name(head),
            kind=kind,
            description=self._text(head, "bench.description", default=""),
            sha256=sha256,
            envelope=Envelope(**limits),
            roles=self._roles(self._table(content, "roles")),
            lines=self._lines(self._table(content, "lines")),
            voltages=voltages,
            signals=self._signals(content, voltages),
            supply_shunt=self._supply_shunt(content, voltages),
            fmu=self._fmu(content),
        )

    def _name(self, head: dict[str, Any]) -> str:
        """The bench's name, which is part of the names of its runs' folders."""
        name = self._text(head, "bench.name")
        if not re.fullmatch(r"[\w-]+", name):
            self._complain("bench.name", repr(name), "a text of letters, digits, _ and -")
        return name

    def _roles(self, table: dict[str, Any]) -> dict[str, Role]:
        roles: dict[str, Role] = {}
        self._allowed("roles.", table, tuple(ROLES))
        for name, models in ROLES.items():
            given = self._table(table, name, f"roles.{name}")
            self._allowed(f"roles.{name}.", given, ("model", "resource", "serial", "calibration"))
            role = Role(
                model=self._text(given, f"roles.{name}.model", allowed=models),
                resource=self._text(given, f"roles.{name}.resource"),
                serial=self._text(given, f"roles.{name}.serial", default="") or None,
                calibration=self._calibration(given, f"roles.{name}.calibration"),
            )
            if not RESOURCE.fullmatch(role.resource):
                given_name, example = repr(role.resource), "TCPIP::psu.bench::5025::SOCKET"
                self._complain(f"roles.{name}.resource", given_name, f"a VISA name, as {example}")
            for other, taken in roles.items():
                if taken.resource == role.resource:
                    self._complain(
                        f"roles.{name}.resource",
                        f"{role.resource!r} is roles.{other}'s already",
                        "one instrument a role",
                    )
            roles[name] = role
        return roles

    def _calibration(self, role: dict[str, Any], where: str) -> Calibration | None:
        """A certificate with its days; a twin has none."""
        if "calibration" not in role:
            return None
        table = self._table(role, "calibration", where)
        self._allowed(f"{where}.", table, ("certificate", "date", "due"))
        days = [self._day(table, f"{where}.{name}") for name in ("date", "due")]
        if days[1] < days[0]:
            self._complain(f"{where}.due", f"{days[1]} is before date", "a later day")
        certificate = self._text(table, f"{where}.certificate")
        return Calibration(certificate=certificate, calibrated=days[0], due=days[1])

    def _day(self, table: dict[str, Any], where: str) -> date:
        found = table.get(where.rsplit(".", 1)[-1])
        if type(found) is not date:
            given = "is missing" if found is None else repr(found)
            self._complain(where, given, "a day, as 2026-11-22")
        return found

    def _lines(self, table: dict[str, Any]) -> dict[str, tuple[int, int]]:
        self._allowed("lines.", table, tuple(sorted(CHANNELS)))
        for needed in NEEDED_LINES:
            if needed not in table:
                self._complain(f"lines.{needed}", "is missing", "[channel, bit]")
        lines: dict[str, tuple[int, int]] = {}
        for name, place in table.items():
            if (
                not isinstance(place, list)
                or len(place) != 2
                or not all(type(number) is int for number in place)
                or place[0] != CHANNELS[name]
                or not 0 <= place[1] <= 7
            ):
                self._complain(f"lines.{name}", repr(place), f"[{CHANNELS[name]}, bit 0 to 7]")
            for other, taken in lines.items():
                if taken == tuple(place):
                    taken_by = f"{place} is lines.{other}'s already"
                    self._complain(f"lines.{name}", taken_by, "a line of its own")
            lines[name] = (place[0], place[1])
        return lines

    def _voltages(self, table: dict[str, Any]) -> dict[str, int]:
        self._allowed("voltages.", table, tuple(sorted(VOLTAGES)))
        for name in sorted(VOLTAGES):
            channel = table.get(name)
            if type(channel) is not int or not 301 <= channel <= 320:
                self._complain(f"voltages.{name}", repr(channel), "a channel, 301 to 320")
        if table["battery"] == table["system"]:
            taken_by = f"{table['system']} is voltages.battery's already"
            self._complain("voltages.system", taken_by, "a channel of its own")
        return dict(table)

    def _supply_shunt(self, content: dict[str, Any], voltages: Mapping[str, int]) -> Shunt | None:
        """The shunt for the DUT's own consumption; a bench can do without."""
        if "supply_shunt" not in content:
            return None
        table = self._table(content, "supply_shunt")
        self._allowed("supply_shunt.", table, ("channel", "ohm"))
        channel = table.get("channel")
        taken = {*voltages.values(), *content.get("signals", {}).values()}
        if type(channel) is not int or not 301 <= channel <= 320 or channel in taken:
            self._complain("supply_shunt.channel", repr(channel), "a free channel, 301 to 320")
        return Shunt(channel=channel, ohm=self._positive(table, "supply_shunt.ohm"))

    def _fmu(self, content: dict[str, Any]) -> FmuFile | None:
        """An FMU beside the bench file, or at an absolute path; a bench can do without."""
        if "plant" not in content:
            return None
        table = self._table(content, "plant")
        self._allowed("plant.", table, ("fmu",))
        try:
            return read_fmu(self._path.parent / self._text(table, "plant.fmu"))
        except FmuRefused as error:
            self._complain("plant.fmu", f"{error.path}: {error.given}", error.allowed)

    def _signals(self, content: dict[str, Any], voltages: Mapping[str, int]) -> dict[str, int]:
        """Signals on channels of their own; a bench can do without."""
        table = self._table(content, "signals") if "signals" in content else {}
        self._allowed("signals.", table, tuple(sorted(SIGNALS)))
        taken = {channel: f"voltages.{name}" for name, channel in voltages.items()}
        for name, channel in table.items():
            if type(channel) is not int or not 301 <= channel <= 320:
                self._complain(f"signals.{name}", repr(channel), "a channel, 301 to 320")
            if channel in taken:
                taken_by = f"{channel} is {taken[channel]}'s already"
                self._complain(f"signals.{name}", taken_by, "a channel of its own")
            taken[channel] = f"signals.{name}"
        return table

    def _table(self, parent: dict[str, Any], name: str, where: str = "") -> dict[str, Any]:
        found = parent.get(name)
        if not isinstance(found, dict):
            given = "is missing" if found is None else repr(found)
            self._complain(where or name, given, "a table")
        return dict(found)

    def _text(
        self,
        table: dict[str, Any],
        where: str,
        *,
        allowed: tuple[str, ...] = (),
        default: str | None = None,
    ) -> str:
        found = table.get(where.rsplit(".", 1)[-1], default)
        if not isinstance(found, str) or (allowed and found not in allowed):
            given = "is missing" if found is None else repr(found)
            self._complain(where, given, ", ".join(allowed) or "a text")
        return found

    def _positive(self, table: dict[str, Any], where: str) -> float:
        found = table.get(where.rsplit(".", 1)[-1])
        if (
            isinstance(found, bool)
            or not isinstance(found, int | float)
            or not math.isfinite(found)
            or found <= 0
        ):
            given = "is missing" if found is None else repr(found)
            self._complain(where, given, "a number above 0")
        return float(found)

    def _allowed(self, where: str, table: dict[str, Any], names: tuple[str, ...]) -> None:
        for name in table:
            if name not in names:
                self._complain(f"{where}{name}", "is unknown", ", ".join(names))

    def _complain(self, where: str, given: str, allowed: str) -> NoReturn:
        raise BenchFileError(f"{self._path}: {where}: {given}; allowed: {allowed}")
