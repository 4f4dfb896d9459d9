"""Bench files: roles to instruments, lines and channels, and the envelope.

Read once, at the edge, into types. Whatever is wrong is said in one line that names the file, the
field and what is allowed.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from rig.benches.lab.facts import SECTIONS as LAB_SECTIONS
from rig.benches.lab.facts import UNCERTAIN, LabFacts, read_lab
from rig.benches.models import allowed_models
from rig.benches.reading import Reader
from rig.dut.terminals import Input, Output
from rig.errors import BenchFileError
from rig.plant.fmu_file import FmuFile, FmuRefused, read_fmu
from rig.safety.envelope import Envelope

FOLDER = Path(__file__).parent
KINDS = ("simulated", "wire", "lab")
ROLES = ("charger", "load", "daq")
LAB_ROLES = (*ROLES, "chamber")
TWINS_BUSES = ("hil_hub", "virtual")  # of python-can, with no wire behind them
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
    # Of what it measures, k = 2, by its certificate; what is not here is the driver's figure.
    uncertainty: Mapping[str, float] = field(default_factory=dict)


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
    lab: LabFacts | None = None  # of a bench of kind lab only
    twins: bool = False  # a lab whose file states that nothing real is behind its addresses


def known_benches() -> tuple[str, ...]:
    """The names of the benches that come with the project."""
    benches = (path for path in FOLDER.glob("*.toml") if b"\n[bench]\n" in path.read_bytes())
    return tuple(sorted(path.stem for path in benches))


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


def is_loopback(resource: str) -> bool:
    """Whether a VISA name is of a socket of this machine, whatever is behind it."""
    host = resource.split("::")[1]
    try:
        return resource.startswith("TCPIP") and ip_address(host).is_loopback
    except ValueError:
        return False


class _Reader(Reader):
    """Takes a bench file apart."""

    def bench(self, content: dict[str, Any], sha256: str) -> BenchFile:
        head = self.table(content, "bench")
        kind = self.text(head, "bench.kind", allowed=KINDS)
        names = ("name", "kind", "description") + (("twins",) * (kind == "lab"))
        self.allowed_only("bench.", head, names)
        self.allowed_only("", content, SECTIONS + (LAB_SECTIONS if kind == "lab" else ()))
        envelope = self.table(content, "envelope")
        names = ("voltage_v_max", "charge_current_a_max", "discharge_current_a_max")
        self.allowed_only("envelope.", envelope, names)
        limits = {name: self.positive(envelope, f"envelope.{name}") for name in names}
        voltages = self._voltages(self.table(content, "voltages"))
        roles = self._roles(self.table(content, "roles"), kind)
        lab = read_lab(self, content) if kind == "lab" else None
        return BenchFile(
            path=self.path.resolve(),
            name=self._name(head),
            kind=kind,
            description=self.text(head, "bench.description", default=""),
            sha256=sha256,
            envelope=Envelope(**limits),
            roles=roles,
            lines=self._lines(self.table(content, "lines")),
            voltages=voltages,
            signals=self._signals(content, voltages),
            supply_shunt=self._supply_shunt(content, voltages),
            fmu=self._fmu(content),
            lab=lab,
            twins=self._twins(head, roles, lab),
        )

    def _twins(self, head: dict[str, Any], roles: Mapping[str, Role], lab: LabFacts | None) -> bool:
        """Whether a rehearsal states that it is one: never assumed, and never of real addresses."""
        if "twins" not in head:
            return False
        if head["twins"] is not True or lab is None:
            self.complain("bench.twins", repr(head["twins"]), "true, or nothing for a real lab")
        for name, role in roles.items():
            if not is_loopback(role.resource):
                given = f"{role.resource!r} on a bench of twins"
                self.complain(f"roles.{name}.resource", given, "an address of this machine")
        for name, port in lab.can.items():
            if port.interface not in TWINS_BUSES:
                given = f"{port.interface!r} on a bench of twins"
                self.complain(f"can.{name}.interface", given, ", ".join(TWINS_BUSES))
        return True

    def _name(self, head: dict[str, Any]) -> str:
        """The bench's name, which is part of the names of its runs' folders."""
        name = self.text(head, "bench.name")
        if not re.fullmatch(r"[\w-]+", name):
            self.complain("bench.name", repr(name), "a text of letters, digits, _ and -")
        return name

    def _roles(self, table: dict[str, Any], kind: str) -> dict[str, Role]:
        """Every role; what a lab has left out is the wiring check's to say."""
        roles: dict[str, Role] = {}
        known = LAB_ROLES if kind == "lab" else ROLES
        self.allowed_only("roles.", table, known)
        for name in known:
            if kind == "lab" and name not in table:
                continue
            where = f"roles.{name}"
            given = self.table(table, name, where)
            keys = ("model", "resource", "serial", "calibration")
            self.allowed_only(f"{where}.", given, keys + (("uncertainty",) * (kind == "lab")))
            role = Role(
                model=self.text(given, f"{where}.model", allowed=allowed_models(name, kind)),
                resource=self.text(given, f"{where}.resource"),
                serial=self.text(given, f"{where}.serial", default="") or None,
                calibration=self._calibration(given, f"{where}.calibration"),
                uncertainty=self._uncertainty(given, name),
            )
            if not RESOURCE.fullmatch(role.resource):
                given_name, example = repr(role.resource), "TCPIP::psu.bench::5025::SOCKET"
                self.complain(f"roles.{name}.resource", given_name, f"a VISA name, as {example}")
            for other, taken in roles.items():
                if taken.resource == role.resource:
                    self.complain(
                        f"roles.{name}.resource",
                        f"{role.resource!r} is roles.{other}'s already",
                        "one instrument a role",
                    )
            roles[name] = role
        return roles

    def _uncertainty(self, role: dict[str, Any], name: str) -> dict[str, float]:
        """What a certificate says instead of the driver, by what is measured."""
        if "uncertainty" not in role:
            return {}
        where = f"roles.{name}.uncertainty"
        table = self.table(role, "uncertainty", where)
        self.allowed_only(f"{where}.", table, UNCERTAIN[name])
        return {each: self.positive(table, f"{where}.{each}") for each in table}

    def _calibration(self, role: dict[str, Any], where: str) -> Calibration | None:
        """A certificate with its days; a twin has none."""
        if "calibration" not in role:
            return None
        table = self.table(role, "calibration", where)
        self.allowed_only(f"{where}.", table, ("certificate", "date", "due"))
        days = [self.day(table, f"{where}.{name}") for name in ("date", "due")]
        if days[1] < days[0]:
            self.complain(f"{where}.due", f"{days[1]} is before date", "a later day")
        certificate = self.text(table, f"{where}.certificate")
        return Calibration(certificate=certificate, calibrated=days[0], due=days[1])

    def _lines(self, table: dict[str, Any]) -> dict[str, tuple[int, int]]:
        self.allowed_only("lines.", table, tuple(sorted(CHANNELS)))
        for needed in NEEDED_LINES:
            if needed not in table:
                self.complain(f"lines.{needed}", "is missing", "[channel, bit]")
        lines: dict[str, tuple[int, int]] = {}
        for name, place in table.items():
            if (
                not isinstance(place, list)
                or len(place) != 2
                or not all(type(number) is int for number in place)
                or place[0] != CHANNELS[name]
                or not 0 <= place[1] <= 7
            ):
                self.complain(f"lines.{name}", repr(place), f"[{CHANNELS[name]}, bit 0 to 7]")
            for other, taken in lines.items():
                if taken == tuple(place):
                    taken_by = f"{place} is lines.{other}'s already"
                    self.complain(f"lines.{name}", taken_by, "a line of its own")
            lines[name] = (place[0], place[1])
        return lines

    def _voltages(self, table: dict[str, Any]) -> dict[str, int]:
        self.allowed_only("voltages.", table, tuple(sorted(VOLTAGES)))
        for name in sorted(VOLTAGES):
            channel = table.get(name)
            if type(channel) is not int or not 301 <= channel <= 320:
                self.complain(f"voltages.{name}", repr(channel), "a channel, 301 to 320")
        if table["battery"] == table["system"]:
            taken_by = f"{table['system']} is voltages.battery's already"
            self.complain("voltages.system", taken_by, "a channel of its own")
        return dict(table)

    def _supply_shunt(self, content: dict[str, Any], voltages: Mapping[str, int]) -> Shunt | None:
        """The shunt for the DUT's own consumption; a bench can do without."""
        if "supply_shunt" not in content:
            return None
        table = self.table(content, "supply_shunt")
        self.allowed_only("supply_shunt.", table, ("channel", "ohm"))
        channel = table.get("channel")
        taken = {*voltages.values(), *content.get("signals", {}).values()}
        if type(channel) is not int or not 301 <= channel <= 320 or channel in taken:
            self.complain("supply_shunt.channel", repr(channel), "a free channel, 301 to 320")
        return Shunt(channel=channel, ohm=self.positive(table, "supply_shunt.ohm"))

    def _fmu(self, content: dict[str, Any]) -> FmuFile | None:
        """An FMU beside the bench file, or at an absolute path; a bench can do without."""
        if "plant" not in content:
            return None
        table = self.table(content, "plant")
        self.allowed_only("plant.", table, ("fmu",))
        try:
            return read_fmu(self.path.parent / self.text(table, "plant.fmu"))
        except FmuRefused as error:
            self.complain("plant.fmu", f"{error.path}: {error.given}", error.allowed)

    def _signals(self, content: dict[str, Any], voltages: Mapping[str, int]) -> dict[str, int]:
        """Signals on channels of their own; a bench can do without."""
        table = self.table(content, "signals") if "signals" in content else {}
        self.allowed_only("signals.", table, tuple(sorted(SIGNALS)))
        taken = {channel: f"voltages.{name}" for name, channel in voltages.items()}
        for name, channel in table.items():
            if type(channel) is not int or not 301 <= channel <= 320:
                self.complain(f"signals.{name}", repr(channel), "a channel, 301 to 320")
            if channel in taken:
                taken_by = f"{channel} is {taken[channel]}'s already"
                self.complain(f"signals.{name}", taken_by, "a channel of its own")
            taken[channel] = f"signals.{name}"
        return table
