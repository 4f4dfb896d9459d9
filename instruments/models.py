"""The instruments that we know, by hand, in the order of the catalogue: driver and twin of each.

`hil twin`, `hil instrument identify` and the benches find a model here and nowhere else. A driver
and a twin are imported when they are asked for.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any, cast

from pyvisa import ResourceManager, rname
from pyvisa.errors import VisaIOError
from pyvisa.resources import MessageBasedResource, SerialInstrument

from instruments.blocking import open_blocking_session
from instruments.protocols import Instrument, InstrumentLost
from instruments.session import Log, Session
from instruments.twins.twin import Twin


class UnknownModel(ValueError):
    """No instrument of this name; the message names those that there are."""


class BadAddress(ValueError):
    """Not the VISA name of anything that could be asked, or no such VISA library."""


class Kind(StrEnum):
    """What an instrument is for."""

    SUPPLY = "supply"
    BIDIRECTIONAL_SUPPLY = "bidirectional supply"
    LOAD = "load"
    METER = "meter"
    DAQ = "daq"
    CHAMBER = "chamber"


class DoorKind(StrEnum):
    """The ways to a twin."""

    SOCKET = "socket"
    HISLIP = "hislip"
    PTY = "pty"


_ALL_DOORS = tuple(DoorKind)
# HiSLIP carries SCPI; what speaks something else has a plain port and a serial line.
_PLAIN_DOORS = (DoorKind.SOCKET, DoorKind.PTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One instrument: its names, where its driver and twin are, how VISA opens it.

    ``driver_at`` and ``twin_at`` name a class behind its module. ``scpi`` is False for one that
    knows no ``*IDN?``.
    """

    name: str
    aliases: tuple[str, ...]
    maker: str
    title: str
    kind: Kind
    driver_at: str
    twin_at: str
    doors: tuple[DoorKind, ...] = _ALL_DOORS
    scpi: bool = True
    read_termination: str = "\n"
    write_termination: str = "\n"
    encoding: str = "ascii"
    # chosen where the manual leaves it to the user: the commonest of the serial line's speeds.
    baud: int = 9600

    @property
    def driver(self) -> type[Any]:
        """The driver's class."""
        return _class_at(self.driver_at)

    @property
    def twin(self) -> type[Any]:
        """The twin's class."""
        return _class_at(self.twin_at)

    @property
    def port(self) -> int:
        """The TCP port at which a real one listens."""
        return int(self.twin.default_port)

    @property
    def idn_models(self) -> tuple[str, ...]:
        """What it calls itself, as far as the driver takes it for its own."""
        return tuple(self.driver.models) if self.scpi else ()

    @property
    def resource_example(self) -> str:
        """A VISA name as a bench file might give it."""
        return f"TCPIP::192.0.2.10::{self.port}::SOCKET"

    def make_twin(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float | None = None,
        **options: object,
    ) -> Twin:
        """A twin with nothing at its terminals; a latency of None is the model's own."""
        if latency_s is not None:
            options["latency_s"] = latency_s
        return cast(Twin, self.twin(serial=serial, dice=dice, now_us=now_us, **options))


MODELS: tuple[Model, ...] = (
    Model(
        name="psb10000",
        aliases=("psb_10000", "psb10080", "psb10080_1000", "ea_psb10000", "ea"),
        maker="EA Elektro-Automatik",
        title="PSB 10080-1000",
        kind=Kind.BIDIRECTIONAL_SUPPLY,
        driver_at="instruments.drivers.psb10000:EaPsb10000",
        twin_at="instruments.twins.psb10000:EaPsb10000Twin",
    ),
    Model(
        name="rp7900",
        aliases=("rp7945a", "keysight_rp7900"),
        maker="Keysight",
        title="RP7935A",
        kind=Kind.BIDIRECTIONAL_SUPPLY,
        driver_at="instruments.drivers.rp7900:Rp7900",
        twin_at="instruments.twins.rp7900:Rp7900Twin",
    ),
    Model(
        name="it6000c",
        aliases=("itech_it6000c", "itech"),
        maker="ITECH",
        title="IT6010C-80-300",
        kind=Kind.BIDIRECTIONAL_SUPPLY,
        driver_at="instruments.drivers.it6000c:It6000c",
        twin_at="instruments.twins.it6000c:It6000cTwin",
    ),
    Model(
        name="genesys",
        aliases=("gen", "g80_65", "genesys_plus", "tdk_genesys", "tdk"),
        maker="TDK-Lambda",
        title="GENESYS+ G80-65",
        kind=Kind.SUPPLY,
        driver_at="instruments.drivers.genesys:Genesys",
        twin_at="instruments.twins.genesys:GenesysTwin",
    ),
    Model(
        name="n5767a",
        aliases=("n5700", "keysight_n5767a", "agilent_n5767a"),
        maker="Keysight",
        title="N5767A",
        kind=Kind.SUPPLY,
        driver_at="instruments.drivers.n5767a:N5767a",
        twin_at="instruments.twins.n5767a:N5767aTwin",
    ),
    Model(
        name="dp832",
        aliases=("dp832a", "rigol_dp832", "rigol_dp832a"),
        maker="Rigol",
        title="DP832",
        kind=Kind.SUPPLY,
        driver_at="instruments.drivers.dp832:Dp832",
        twin_at="instruments.twins.dp832:Dp832Twin",
    ),
    Model(
        name="chroma62012p",
        aliases=("62012p", "chroma_62012p"),
        maker="Chroma",
        title="62012P-80-60",
        kind=Kind.SUPPLY,
        driver_at="instruments.drivers.chroma62012p:Chroma62012p",
        twin_at="instruments.twins.chroma62012p:Chroma62012pTwin",
    ),
    Model(
        name="chroma63206a",
        aliases=("63206a", "chroma_63206a"),
        maker="Chroma",
        title="63206A-150-600",
        kind=Kind.LOAD,
        driver_at="instruments.drivers.chroma63206a:Chroma63206A",
        twin_at="instruments.twins.chroma63206a:Chroma63206ATwin",
    ),
    Model(
        name="dl3021",
        aliases=("rigol_dl3021",),
        maker="Rigol",
        title="DL3021",
        kind=Kind.LOAD,
        driver_at="instruments.drivers.dl3021:Dl3021",
        twin_at="instruments.twins.dl3021:Dl3021Twin",
    ),
    Model(
        name="daq970a",
        aliases=("keysight_daq970a",),
        maker="Keysight",
        title="DAQ970A",
        kind=Kind.DAQ,
        driver_at="instruments.drivers.daq970a:DAQ970A",
        twin_at="instruments.twins.daq970a:DAQ970ATwin",
    ),
    Model(
        name="truevolt34465a",
        aliases=("34465a", "truevolt", "keysight_34465a"),
        maker="Keysight",
        title="34465A",
        kind=Kind.METER,
        driver_at="instruments.drivers.truevolt34465a:Truevolt34465a",
        twin_at="instruments.twins.truevolt34465a:Truevolt34465aTwin",
    ),
    Model(
        name="dmm6500",
        aliases=("keithley_dmm6500", "keithley"),
        maker="Keithley",
        title="DMM6500",
        kind=Kind.METER,
        driver_at="instruments.drivers.dmm6500:Dmm6500",
        twin_at="instruments.twins.dmm6500:Dmm6500Twin",
    ),
    Model(
        name="simserv",
        aliases=("weiss", "votsch", "voetsch", "weiss_simserv"),
        maker="Weiss Technik",
        title="S!MPAC (simserv)",
        kind=Kind.CHAMBER,
        driver_at="instruments.drivers.simserv:Simserv",
        twin_at="instruments.twins.simserv:SimservTwin",
        doors=_PLAIN_DOORS,
        scpi=False,
        read_termination="\r\n",
        write_termination="\r",
        encoding="latin-1",
    ),
    Model(
        name="p300",
        aliases=("espec", "espec_p300", "scp220"),
        maker="ESPEC",
        title="P-300",
        kind=Kind.CHAMBER,
        driver_at="instruments.drivers.p300:P300",
        twin_at="instruments.twins.p300:P300Twin",
        doors=_PLAIN_DOORS,
        scpi=False,
        read_termination="\r\n",
        write_termination="\r\n",
        baud=19200,
    ),
)


def model_named(name: str) -> Model:
    """The model of a name or an alias, however it is spelled. Raises UnknownModel."""
    wanted = _plain(name)
    for model in MODELS:
        if wanted in {_plain(known) for known in (model.name, model.title, *model.aliases)}:
            return model
    known = ", ".join(model.name for model in MODELS)
    raise UnknownModel(f"no instrument {name!r}; there are {known}")


def identify(idn: str) -> Model | None:
    """Whose answer to ``*IDN?`` this is, None for an instrument without a driver here."""
    fields = [field.strip() for field in idn.split(",")]
    if len(fields) < 2:
        return None
    for model in MODELS:
        if model.scpi and fields[1] in model.idn_models:
            return model
    return None


def open_session(
    model: Model | None,
    resource_name: str,
    *,
    now_us: Callable[[], int],
    timeout_s: float = 2.0,
    backend: str = "@py",
    log: Log | None = None,
) -> Session:
    """A session on a real address with the model's terminations; None: as most have them.

    It blocks as long as connecting takes, so that a door in the same loop would never be heard.
    Raises BadAddress before anything is opened, and InstrumentLost if nobody is there.
    """
    parsed = parse_address(resource_name)
    serial_line = isinstance(parsed, rname.ASRLInstr)
    try:
        manager = ResourceManager(backend)
    except (ValueError, OSError) as error:
        raise BadAddress(f"VISA library {backend!r}: {_one_line(error)}") from error
    try:
        resource = manager.open_resource(
            resource_name, timeout=1000 * timeout_s, open_timeout=round(1000 * timeout_s)
        )
        assert isinstance(resource, MessageBasedResource)
        resource.read_termination = model.read_termination if model else "\n"
        resource.write_termination = model.write_termination if model else "\n"
        resource.encoding = model.encoding if model else "latin-1"
        if isinstance(resource, SerialInstrument):
            resource.baud_rate = model.baud if model else 9600
    except Exception as error:
        # PyVISA-py raises a bare Exception for a refused socket, ValueError for a missing library.
        if isinstance(error, VisaIOError | OSError | ValueError) or type(error) is Exception:
            raise InstrumentLost(f"{resource_name} cannot be opened: {_one_line(error)}") from error
        raise
    return open_blocking_session(
        resource,
        name=resource_name,
        now_us=now_us,
        # Neither a socket nor a serial line knows a device clear.
        stream=serial_line or isinstance(parsed, rname.TCPIPSocket),
        check="each" if model is None or model.scpi else "off",
        log=log,
    )


def open_driver(
    model: Model,
    resource_name: str,
    *,
    now_us: Callable[[], int],
    timeout_s: float = 2.0,
    backend: str = "@py",
    log: Log | None = None,
    **options: object,
) -> Instrument:
    """A driver on a real address, before its ``open()``; options are the driver's own."""
    session = open_session(
        model, resource_name, now_us=now_us, timeout_s=timeout_s, backend=backend, log=log
    )
    return cast(Instrument, model.driver(session, **options))


def parse_address(resource_name: str) -> rname.ResourceName:
    """The parts of a VISA name of something that takes messages. Raises BadAddress."""
    try:
        parsed = rname.ResourceName.from_string(resource_name)
    except rname.InvalidResourceName as error:
        raise BadAddress(_one_line(error)) from None
    if parsed.resource_class not in {"INSTR", "SOCKET"}:
        raise BadAddress(f"{resource_name!r} takes no messages; allowed: ::INSTR and ::SOCKET")
    port = ""
    if isinstance(parsed, rname.TCPIPSocket):
        port = parsed.port
    elif isinstance(parsed, rname.TCPIPInstr):
        _, _, port = parsed.lan_device_name.partition(",")
    if (port or isinstance(parsed, rname.TCPIPSocket)) and not (
        port.isdecimal() and 0 < int(port) < 65536
    ):
        raise BadAddress(f"{resource_name!r}: port {port!r}; allowed: 1 to 65535")
    return parsed


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _class_at(place: str) -> type[Any]:
    module, _, name = place.partition(":")
    return cast(type[Any], getattr(import_module(module), name))


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
