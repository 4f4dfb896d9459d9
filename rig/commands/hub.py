"""`hil hub`: CAN buses for everybody on this machine, and what is going on on them."""

import json
import os
import platform
import re
import signal
import sys
import threading  # noqa: TID251 - of a process with a wall clock
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import typer

from rig.can.hub.client import HubClient, HubError, default_socket
from rig.can.hub.hub import Hub, ReadOnly
from rig.can.hub.outbox import QUEUE_FRAMES
from rig.can.hub.requests import NAME_LENGTH_MAX, AskStatistics, BusSpec
from rig.can.hub.server import HubAddressError, HubServer, ended_by_signals, stopwatch
from rig.clock import cpu_s, unix_ms
from rig.collector import seldom_collecting
from rig.realtime import come_first

SOCKETCAND_PORT = 29536
"""Public: where socketcand listens."""

BITRATES = 10_000, 1_000_000
DEFAULT_BUSES = ("ve_can:250000", "external:500000", "private:250000")
_BUS = re.compile(r"(?P<name>[^\s<>:]+)(?::(?P<bitrate>\d+))?")
_DEFAULT_BITRATE = 250_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a hub listens; ``port`` None: no strangers."""

    socket: Path
    host: str
    port: int | None


def hub(
    buses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BUS[:BITRATE]]...", help=f"Buses; default: {' '.join(DEFAULT_BUSES)}."
        ),
    ] = None,
    socket: Annotated[
        Path | None, typer.Option(help="For our processes; default: one of this user's.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address for anyone's tools.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="For anyone's tools; 0: a free one.")
    ] = SOCKETCAND_PORT,
    strangers: Annotated[bool, typer.Option(help="Serve anyone's tools (socketcand).")] = True,
    read_only: Annotated[ReadOnly, typer.Option(help="Who may not send.")] = ReadOnly.NONE,
    pacing: Annotated[bool, typer.Option(help="A frame takes its time on the bus.")] = True,
    acknowledge: Annotated[
        bool, typer.Option(help="The hub acknowledges, so that nobody is alone on a bus.")
    ] = True,
    queue: Annotated[
        int, typer.Option(min=1, help="Frames that a slow client may be behind.")
    ] = QUEUE_FRAMES,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Come before all ordinary programs, if allowed to.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Ask the hub at --socket what it has done.")
    ] = False,
    attached: Annotated[
        bool, typer.Option("--attached", help="End when standard input does: with its owner.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Serve CAN buses until Ctrl-C or SIGTERM; the first line says where.

    Our processes come by the socket (python-can: interface hil_hub), anyone's tools by socketcand.
    """
    if platform.system() != "Linux":
        raise typer.BadParameter(f"{platform.system()}; allowed: Linux", param_hint="hil hub")
    if attached:
        threading.Thread(target=_end_with_input, daemon=True).start()
    path = default_socket() if socket is None else socket
    if status:
        tell_statistics(_status(path), as_json=as_json)
        return
    specs = [parse_bus(text) for text in buses or DEFAULT_BUSES]
    _check_each_once(specs)
    place = Place(socket=path, host=host, port=port if strangers else None)
    now_us, began_us = stopwatch()
    epoch_us = unix_ms() * 1000
    made = Hub(
        specs,
        read_only=read_only,
        paced=pacing,
        acknowledging=acknowledge,
        queue_frames=queue,
        epoch_us=epoch_us,
        monotonic_offset_us=epoch_us - began_us,
    )
    _serve(made, specs, place, now_us, read_only, realtime=realtime, as_json=as_json)


def _end_with_input() -> None:
    """Wait for the end of standard input, then end as by SIGTERM."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _serve(
    made: Hub,
    specs: Sequence[BusSpec],
    place: Place,
    now_us: Callable[[], int],
    read_only: ReadOnly,
    *,
    realtime: bool,
    as_json: bool,
) -> None:
    """Serve until a signal comes, then say what there was to count."""
    server = HubServer(made, place.socket, now_us=now_us, host=place.host, port=place.port)
    try:
        with server, ended_by_signals(server), seldom_collecting():
            announce(specs, server, as_json=as_json)
            warn_if_open(server, read_only)
            refusal = come_first() if realtime else ""
            if refusal:
                _warn(f"no real-time priority ({refusal}): a busy machine delays frames")
            server.run()
            told = asdict(made.statistics(cpu_s()))
    except HubAddressError as error:
        raise typer.BadParameter(str(error), param_hint="--socket, --host and --port") from None
    tell_statistics(told, as_json=as_json)


def parse_bus(text: str) -> BusSpec:
    """A bus from NAME[:BITRATE]. Raises typer.BadParameter."""
    shape = _BUS.fullmatch(text)
    low, high = BITRATES
    bitrate = int(shape["bitrate"] or _DEFAULT_BITRATE) if shape else 0
    if shape is None or len(shape["name"]) > NAME_LENGTH_MAX or not low <= bitrate <= high:
        raise typer.BadParameter(
            f"{text!r}; allowed: NAME or NAME:BITRATE, a name of up to {NAME_LENGTH_MAX} "
            f"characters without blank, colon or bracket, {low} to {high} bit/s",
            param_hint="BUS",
        )
    return BusSpec(name=shape["name"], bitrate=bitrate)


def _check_each_once(specs: Sequence[BusSpec]) -> None:
    names = [spec.name for spec in specs]
    twice = {name for name in names if names.count(name) > 1}
    if twice or len(names) > 255:
        raise typer.BadParameter(
            f"{', '.join(sorted(twice)) or len(names)}; allowed: up to 255 buses, each once",
            param_hint="BUS",
        )


def announce(specs: Sequence[BusSpec], server: HubServer, *, as_json: bool) -> None:
    """The first line: which buses, and where."""
    address = server.address
    if as_json:
        _print(
            json.dumps(
                {
                    "buses": [asdict(spec) for spec in specs],
                    "socket": str(server.path),
                    "host": address[0] if address else None,
                    "port": address[1] if address else None,
                }
            )
        )
        return
    listed = ", ".join(f"{spec.name} {spec.bitrate} bit/s" for spec in specs)
    by_tcp = f", socketcand {address[0]}:{address[1]}" if address else ""
    _print(f"{listed}: socket {server.path}{by_tcp}")


def warn_if_open(server: HubServer, read_only: ReadOnly) -> None:
    """Say so if others than this machine can come in."""
    address = server.address
    if address is None or ip_address(address[0]).is_loopback:
        return
    may = "read every bus"
    if read_only is ReadOnly.NONE:
        may += " and send on it; --read-only strangers forbids that"
    _warn(f"{address[0]}:{address[1]} is not on loopback: whoever reaches this machine can {may}")


def _status(path: Path) -> dict[str, Any]:
    try:
        with HubClient(path, "status", ()) as client:
            told = client.ask(AskStatistics())
    except HubError as error:
        raise typer.BadParameter(str(error), param_hint="--socket") from None
    told.pop("answer")
    told["clients"] = [one for one in told["clients"] if one["name"] != client.welcome.name]
    return told


def tell_statistics(told: Mapping[str, Any], *, as_json: bool) -> None:
    """Statistics of a hub for a reader, or for a machine."""
    if as_json:
        _print(json.dumps(told))
        return
    _print(f"{told['uptime_s']:.1f} s, {told['cpu_s']:.1f} s of processor time")
    for bus in told["buses"]:
        load = "no pacing" if bus["load_pct"] is None else f"load {bus['load_pct']:.1f} %"
        lost = f", {bus['unsent']} never heard" if bus["unsent"] else ""
        _print(f"{bus['name']}: {bus['frames']} frames, {bus['errors']} error frames, {load}{lost}")
        for one in bus["controllers"]:
            plugged = "" if one["attached"] else ", cable pulled"
            _print(
                f"  {one['client']}: {one['state']}, TEC {one['tec']}, REC {one['rec']}, "
                f"{one['sent']} sent, {one['waiting']} waiting{plugged}"
            )
    _table_of_clients(told["clients"])


def _table_of_clients(clients: Iterable[Mapping[str, Any]]) -> None:
    for one in clients:
        reads = ", read only" if one["read_only"] else ""
        _print(
            f"client {one['name']} ({one['kind']}{reads}): {one['delivered']} delivered, "
            f"{one['dropped']} dropped, {one['waiting']} waiting, {one['refused']} refused"
        )


def _warn(line: str) -> None:
    sys.stderr.write(f"hil: {line}\n")
    sys.stderr.flush()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # For our own processes: `hil` as a whole takes seconds to load, this does not.
    typer.run(hub)
