"""`hil twin` and `hil instrument`: twins for anyone's client, and who answers at an address."""

import asyncio
import json
import math
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any

import typer
from pyvisa import rname
from rich.console import Console

from instruments.doors import HislipDoor, PtyDoor, SocketDoor, wall_us
from instruments.models import (
    MODELS,
    BadAddress,
    DoorKind,
    Kind,
    Model,
    UnknownModel,
    identify,
    model_named,
    open_session,
    parse_address,
)
from instruments.protocols import Identity, InstrumentError
from instruments.twins.circuit import Circuit
from instruments.twins.twin import Fault, Twin

Door = SocketDoor | HislipDoor | PtyDoor
# The port that IANA has given to HiSLIP.
HISLIP_PORT = 4880
# chosen: what hangs on a twin if nobody says anything else.
RESISTOR_OHM = 10.0
BATTERY_V, BATTERY_OHM = 24.0, 0.01
METER_V = 12.0
# chosen: beyond any bench of this kind.
VOLTAGE_V_MAX, OHM_MIN, OHM_MAX, LATENCY_S_MAX = 2000.0, 1e-6, 1e9, 60.0

twin_app = typer.Typer(no_args_is_help=True, help="Twins of instruments, for anyone's client.")
instrument_app = typer.Typer(no_args_is_help=True, help="Instruments at an address.")
out = Console()

FaultName = StrEnum("FaultName", {fault.name: fault.name.lower() for fault in Fault})  # type: ignore[misc]


class Voltages:
    """A voltage at every input of a meter."""

    def __init__(self, voltage_v: float) -> None:
        self.voltage_v = voltage_v

    def read_v(self, channel: int) -> float:
        """The same voltage everywhere."""
        return self.voltage_v


@twin_app.command("list", epilog="Example: hil twin list")
def twin_list(
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """The instruments that there is a driver and a twin of."""
    if as_json:
        print(json.dumps([_described(model) for model in MODELS]))  # noqa: T201
        return
    rows = [("name", "maker", "model", "kind", "port", "doors")]
    rows += [
        (model.name, model.maker, model.title, model.kind, str(model.port), " ".join(model.doors))
        for model in MODELS
    ]
    # Columns as wide as they must be: what is cut off cannot be typed.
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        out.print("  ".join(cells).rstrip(), markup=False, highlight=False, soft_wrap=True)


def _described(model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "aliases": model.aliases,
        "maker": model.maker,
        "model": model.title,
        "kind": model.kind,
        "port": model.port,
        "doors": model.doors,
        "idn_models": model.idn_models,
        "resource_example": model.resource_example,
        "driver": model.driver_at,
        "twin": model.twin_at,
    }


@twin_app.command("serve", epilog="Example: hil twin serve dp832 --port 5555 --resistor 4.7")
def twin_serve(
    model: Annotated[str, typer.Argument(help="A name of `hil twin list`.")],
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0: a free one; default: the model's own.")
    ] = None,
    door: Annotated[DoorKind, typer.Option(help="How clients reach it.")] = DoorKind.SOCKET,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    resistor: Annotated[
        float | None,
        typer.Option(metavar="OHM", help="Wired to the terminals; a supply's default is 10."),
    ] = None,
    battery: Annotated[
        str | None,
        typer.Option(
            metavar="VOLT[,OHM]", help="Wired to the terminals; a load's default is 24,0.01."
        ),
    ] = None,
    voltage: Annotated[float, typer.Option(help="What a meter is wired to, V.")] = METER_V,
    serial: Annotated[str, typer.Option(help="Serial number.")] = "SIM0001",
    seed: Annotated[int, typer.Option(min=0, help="Seed of noise and calibration.")] = 1,
    latency: Annotated[
        float | None, typer.Option(min=0.0, help="Seconds to an answer; default: the model's.")
    ] = None,
    fault: Annotated[FaultName | None, typer.Option(help="What is wrong with it.")] = None,
    baud: Annotated[
        int | None, typer.Option(min=50, help="Pace of a serial line; default: none.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="For a model that speaks several: scpi or gen.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Announce it for a machine.")] = False,
) -> None:
    """Serve a twin until Ctrl-C or SIGTERM; the first line says where."""
    known = _model(model)
    _check_plain(serial, "--serial")
    if not host.strip():
        raise typer.BadParameter("''; an address or a host's name", param_hint="--host")
    _check_range(voltage, -VOLTAGE_V_MAX, VOLTAGE_V_MAX, "--voltage")
    _check_range(0.0 if latency is None else latency, 0.0, LATENCY_S_MAX, "--latency")
    twin = known.make_twin(
        serial=serial, dice=random.Random(seed), now_us=wall_us, latency_s=latency
    )
    wired = wire(twin, known, resistor_ohm=resistor, battery=battery, voltage_v=voltage)
    _choose_language(twin, known, language)
    _break(twin, fault)
    opened = _door(twin, known, door, host, port, baud)
    told = {"model": known.name, "serial": serial, "door": str(door), "wired_to": wired}
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(opened, told, as_json=as_json))


def _check_plain(serial: str, option: str) -> None:
    """A serial number is a field of the answer to ``*IDN?``."""
    if not serial.isascii() or not serial.isprintable() or "," in serial or not serial.strip():
        raise typer.BadParameter(
            f"{serial!r}; allowed: printable ASCII without a comma", param_hint=option
        )


def _check_range(value: float, low: float, high: float, option: str) -> None:
    if not low <= value <= high:
        raise typer.BadParameter(f"{value:g}; allowed: {low:g} to {high:g}", param_hint=option)


def _door(
    twin: Twin, model: Model, kind: DoorKind, host: str, port: int | None, baud: int | None
) -> Door:
    if kind not in model.doors:
        raise typer.BadParameter(
            f"{kind}; {model.name} has {', '.join(model.doors)}", param_hint="--door"
        )
    match kind:
        case DoorKind.PTY:
            return PtyDoor(twin, baud=baud)
        case DoorKind.HISLIP:
            return HislipDoor(twin, host=host, port=HISLIP_PORT if port is None else port)
        case DoorKind.SOCKET:
            return SocketDoor(twin, host=host, port=model.port if port is None else port)


def _break(twin: Twin, fault: FaultName | None) -> None:
    try:
        twin.fault = None if fault is None else Fault[fault.name]
    except ValueError:
        others = ", ".join(name.value for name in FaultName if name is not fault)
        raise typer.BadParameter(
            f"{fault}; this model has none to lose, allowed: {others}", param_hint="--fault"
        ) from None


async def _serve(door: Door, told: dict[str, str], *, as_json: bool) -> None:
    """Keep a door open until somebody ends the program; a port that is taken is a bad input."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers: there Ctrl-C arrives as KeyboardInterrupt.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, ended.set)
    try:
        await door.__aenter__()
    except OSError as error:
        why = error.strerror or str(error)
        raise typer.BadParameter(
            f"{why}; allowed: an address of this machine and a free port, or --port 0",
            param_hint="--host and --port",
        ) from None
    try:
        _announce(door, told, as_json=as_json)
        await ended.wait()
    finally:
        await door.__aexit__(None, None, None)


def _announce(door: Door, told: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        place: dict[str, object] = {"resource": door.resource_name}
        place |= {"path": door.path} if isinstance(door, PtyDoor) else {"port": door.port}
        print(json.dumps({**told, **place}), flush=True)  # noqa: T201
        return
    line = f"{told['model']} {told['serial']}, {told['wired_to']}: {door.resource_name}"
    print(line, flush=True)  # noqa: T201


def _model(name: str) -> Model:
    try:
        return model_named(name)
    except UnknownModel as error:
        raise typer.BadParameter(str(error), param_hint="model") from None


def _choose_language(twin: Twin, model: Model, language: str | None) -> None:
    if language is None:
        return
    if not hasattr(twin, "language") or language not in {"scpi", "gen"}:
        known = "scpi or gen" if hasattr(twin, "language") else "nothing: it speaks one language"
        raise typer.BadParameter(
            f"{language!r}; {model.name} takes {known}", param_hint="--language"
        )
    twin.language = language


# What hangs on the terminals.


def wire(
    twin: Any,
    model: Model,
    *,
    resistor_ohm: float | None = None,
    battery: str | None = None,
    voltage_v: float = METER_V,
    now_us: Callable[[], int] = wall_us,
) -> str:
    """Wire a twin to what was asked for, and say what that is."""
    match model.kind:
        case Kind.METER:
            twin.connect(Voltages(voltage_v))
            return f"at {voltage_v:g} V"
        case Kind.DAQ:
            twin.connect(analog=Voltages(voltage_v))
            return f"at {voltage_v:g} V"
        case Kind.CHAMBER:
            return "empty"
        case _:
            emf = None if battery is None else _battery(battery)
            return _wire_circuits(twin, model, resistor_ohm, emf, now_us)


def _wire_circuits(
    twin: Any,
    model: Model,
    resistor_ohm: float | None,
    battery: tuple[float, float] | None,
    now_us: Callable[[], int],
) -> str:
    """One circuit an output, all alike."""
    is_load = model.kind is Kind.LOAD
    if resistor_ohm is None and battery is None:
        resistor_ohm, battery = (
            (None, (BATTERY_V, BATTERY_OHM)) if is_load else (RESISTOR_OHM, None)
        )
    if resistor_ohm is not None:
        _check_range(resistor_ohm, OHM_MIN, OHM_MAX, "--resistor")
    wired = {} if resistor_ohm is None else {"resistor_ohm": resistor_ohm}
    emf_v, emf_ohm = battery or (0.0, None)
    outputs = len(getattr(twin, "channels", (None,)))
    for number in range(1, outputs + 1):
        circuit = Circuit(now_us=now_us, emf_v=emf_v, emf_ohm=emf_ohm, **wired)
        stage = twin.stage(number) if outputs > 1 else twin.stage
        attach = circuit.attach_load if is_load else circuit.attach_source
        stage.connect(attach(stage.demand))
    parts = [] if resistor_ohm is None else [f"{resistor_ohm:g} ohm"]
    parts += [] if emf_ohm is None else [f"{emf_v:g} V behind {emf_ohm:g} ohm"]
    return "on " + " and ".join(parts)


def _battery(text: str) -> tuple[float, float]:
    """Voltage and resistance of ``VOLT[,OHM]``."""
    volt, _, ohm = text.partition(",")
    try:
        voltage_v, resistance_ohm = float(volt), float(ohm) if ohm else BATTERY_OHM
    except ValueError:
        voltage_v = resistance_ohm = math.nan
    if not (0.0 < voltage_v <= VOLTAGE_V_MAX and OHM_MIN <= resistance_ohm <= OHM_MAX):
        raise typer.BadParameter(
            f"{text!r}; allowed: VOLT or VOLT,OHM, above 0 to {VOLTAGE_V_MAX:g} V, "
            f"{OHM_MIN:g} to {OHM_MAX:g} ohm",
            param_hint="--battery",
        )
    return voltage_v, resistance_ohm


# Who answers at an address.


@instrument_app.command(
    "identify", epilog="Example: hil instrument identify TCPIP::192.0.2.10::5025::SOCKET"
)
def instrument_identify(
    resource: Annotated[str, typer.Argument(help="VISA resource name.")],
    timeout: Annotated[float, typer.Option(min=0.01, help="Seconds to wait.")] = 2.0,
    backend: Annotated[str, typer.Option(help="VISA library, as PyVISA names it.")] = "@py",
    name: Annotated[str | None, typer.Option("--model", help="Ask as this model is asked.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Ask who answers at an address, and name its driver; nothing is set."""
    known = None if name is None else _model(name)
    try:
        known = known or deaf_to_idn(resource)
        answer = asyncio.run(_ask(known, resource, timeout, backend))
    except BadAddress as error:
        raise typer.BadParameter(str(error), param_hint="RESOURCE") from None
    except InstrumentError as error:
        _tell(as_json, str(error), resource=resource, model=None, error=str(error))
        raise typer.Exit(1) from None
    found = identify(answer) if known is None or known.scpi else known
    fields = [field.strip() for field in answer.split(",")]
    told = {"resource": resource, "answer": answer.strip()}
    if found is None:
        drivers = ", ".join(f"{model.maker} {model.title}" for model in MODELS)
        text = f"{resource} answers {answer.strip()!r}: no driver; there are drivers of {drivers}"
        text += "; one that knows no *IDN? is asked by --model NAME"
        _tell(as_json, text, **told, model=None)
        raise typer.Exit(1)
    text = f"{resource} answers {answer.strip()!r}: {found.maker} {found.title}, {found.name}"
    serial = fields[2] if len(fields) > 2 else ""
    _tell(as_json, text, **told, model=found.name, serial=serial, driver=found.driver_at)
    if name is not None and found is not known:
        raise typer.Exit(1)


def deaf_to_idn(resource: str) -> Model | None:
    """The model that knows no ``*IDN?`` and listens at this port, if there is one."""
    parsed = parse_address(resource)
    if not isinstance(parsed, rname.TCPIPSocket):
        return None
    port = int(parsed.port)
    return next((model for model in MODELS if not model.scpi and model.port == port), None)


async def _ask(model: Model | None, resource: str, timeout_s: float, backend: str) -> str:
    """Its answer to ``*IDN?``, or four fields of one that knows no such query."""
    began_us = wall_us()
    session = open_session(
        model,
        resource,
        now_us=lambda: wall_us() - began_us,
        timeout_s=timeout_s,
        backend=backend,
    )
    try:
        if model is None or model.scpi:
            return await session.query("*IDN?")
        it: Identity = await model.driver(session).identify()
    finally:
        await session.close()
    return f"{it.manufacturer},{it.model},{it.serial},{it.firmware}"


def _tell(as_json: bool, text: str, **fields: object) -> None:
    if as_json:
        print(json.dumps(fields))  # noqa: T201
    else:
        out.print(text, markup=False, highlight=False, soft_wrap=True)
