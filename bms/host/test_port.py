"""Faults inside the device, for who develops or proves it: one JSON object a line, answered.

Opened by an option on purpose; a device in a system has none. `{"do": "stall"}`, `resume`,
`restart`, `become` (release, lacking), `damage` (register, data in hexadecimal or null, and
`restart`: false to go on running), `memory`. The answer is `{"ok": true, ...}` or
`{"ok": false, "why": "..."}`.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from bms.firmware import UnknownItem, UnknownRelease
from bms.host.host import Host
from bms.releases import release_of

KINDS = ("stall", "resume", "restart", "become", "damage", "memory")


async def serve(host: Host, path: Path) -> asyncio.Server:
    """Listen at ``path``."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(json.dumps(_answer(host, line)).encode() + b"\n")
            await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(talk, path=str(path))


def _answer(host: Host, line: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(line)
        return {"ok": True, **_do(host, str(asked.pop("do", "")), asked)}
    except (ValueError, AttributeError, KeyError, UnknownItem, UnknownRelease) as error:
        return {"ok": False, "why": f"{type(error).__name__}: {error}"}


def _do(host: Host, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case "stall":
            host.stall()
        case "resume":
            host.resume()
        case "restart":
            host.restart()
        case "become":
            release_of(asked["release"])
            host.become(str(asked["release"]), [str(item) for item in asked.get("lacking", [])])
        case "damage":
            if asked["data"] is None:
                host.registers.pop(str(asked["register"]), None)
            else:
                host.registers[str(asked["register"])] = bytes.fromhex(asked["data"])
            if asked.get("restart", True):
                host.restart()
        case "memory":
            return {"memory": {name: raw.hex() for name, raw in host.registers.items()}}
        case _:
            raise ValueError(f"do: {kind!r}; allowed: {', '.join(KINDS)}")
    return {}
