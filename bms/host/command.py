"""`python -m bms run`: what is asked for on the command line, checked, and the device started."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import can

from bms.data import hardware
from bms.device import shipped
from bms.firmware import UnknownItem, UnknownRelease
from bms.host import test_port
from bms.host.harness import Harness
from bms.host.host import Host, Identity
from bms.host.store import BadMemoryFile, Store
from bms.io import Port
from bms.releases import NEWEST, release_of

BAD_INPUT = 2
BIT_RATE = {Port.PRIVATE: 250_000, Port.VE_CAN: 250_000, Port.EXTERNAL: 500_000}
EXAMPLE = """example:
  python -m bms run --firmware 1.38 --harness /tmp/harness.sock \\
      --can ve_can=socketcan:can0 --can private=pcan:PCAN_USBBUS1 --memory device.json"""


class BadOption(ValueError):
    """An option that cannot be met; the message names it and what is allowed."""


def main(arguments: Sequence[str]) -> int:
    """Run one device until its harness is pulled out or it is interrupted; the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        identity = _identity(asked)
        ports = dict(_port(text) for text in asked.can)
        store = Store(asked.memory)
        store.load()
        return asyncio.run(_run(identity, store, ports, asked))
    except (BadOption, UnknownRelease, UnknownItem, BadMemoryFile) as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is the program's own voice
        return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bms", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EXAMPLE
    )
    commands = parser.add_subparsers(required=True, metavar="run")
    run = commands.add_parser(
        "run",
        help="run one device on the wall clock",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLE,
    )
    run.add_argument("--firmware", default=str(NEWEST), help="its release, such as 1.38")
    run.add_argument("--starts-on", default=None, help="the release before an update, if any")
    run.add_argument("--without", action="append", default=[], help="leave this change out, by id")
    run.add_argument("--hardware", default="Lynx Ion BMS 1000", help="its model")
    run.add_argument("--serial", default="HQ2024AB001", help="its serial number")
    run.add_argument(
        "--can",
        action="append",
        default=[],
        metavar="PORT=INTERFACE:CHANNEL[,OPTION=VALUE...]",
        help="a CAN port (private, ve_can or external) on a python-can interface; repeatable",
    )
    run.add_argument("--harness", type=Path, required=True, help="socket of its other terminals")
    run.add_argument("--memory", type=Path, default=None, help="file of its memory; none: not kept")
    run.add_argument("--test-port", type=Path, default=None, help="socket for faults inside it")
    return parser


def _identity(asked: argparse.Namespace) -> Identity:
    models = hardware()
    if asked.hardware not in models:
        raise BadOption(f"--hardware {asked.hardware}: unknown; allowed: {', '.join(models)}")
    return Identity(
        lacking={str(release_of(asked.firmware)): tuple(asked.without)},
        hardware=models[asked.hardware],
        serial=asked.serial,
    )


def _port(text: str) -> tuple[Port, dict[str, str]]:
    """A port, and what python-can is asked for."""
    name, _, place = text.partition("=")
    interface, _, rest = place.partition(":")
    channel, *pairs = rest.split(",")
    options = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if name not in set(Port) or not interface or not channel or len(options) < len(pairs):
        raise BadOption(
            f"--can {text}: allowed: {', '.join(Port)}, then =INTERFACE:CHANNEL of python-can, "
            "then its own options as ,NAME=VALUE"
        )
    return Port(name), {"interface": interface, "channel": channel, **options}


def _configuration(port: Port, wanted: Mapping[str, str]) -> dict[str, Any]:
    """What python-can opens a port with; texts are for the interface to read."""
    return {"bitrate": BIT_RATE[port], **wanted}


async def _run(
    identity: Identity,
    store: Store,
    ports: dict[Port, dict[str, str]],
    asked: argparse.Namespace,
) -> int:
    buses: dict[Port, can.BusABC] = {}
    try:
        for port, wanted in ports.items():
            buses[port] = can.Bus(**_configuration(port, wanted))
        harness = Harness(asked.harness)
    except (can.CanError, OSError, ValueError, ImportError) as error:
        for bus in buses.values():
            bus.shutdown()
        raise BadOption(f"cannot be wired: {error}") from error
    factory = shipped(str(release_of(asked.starts_on or asked.firmware)))
    host = Host(identity, store, buses, harness, factory)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, host.stop)
    server = None if asked.test_port is None else await test_port.serve(host, asked.test_port)
    ready = {"serial": identity.serial, "ports": [str(port) for port in buses]}
    print(json.dumps(ready), flush=True)  # noqa: T201 - the one line that it says
    try:
        await host.run()
    finally:
        if server is not None:
            server.close()
    return 0
