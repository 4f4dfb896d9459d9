"""Logs made here: the same frames in every format, by writers that are not ours."""

import gzip
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import can

UNIX_S = 1_700_000_000.0
VE_CAN, PRIVATE = 0, 1
# A battery's claim of address 0x50, its state and SOC, cells of a battery module, an 11 bit frame.
FRAMES = (
    (VE_CAN, 0x18EEFF50, True, "1967d12c00aa46c0"),
    (VE_CAN, 0x1CEFFF50, True, "6699710309ffffff"),
    (VE_CAN, 0x1CEFFF50, True, "6699ff0f5c17ffff"),
    (PRIVATE, 0x18F02001, True, "c67fc77fc87fc97f"),
    (PRIVATE, 0x18F00000, True, "090203ff00000000"),
    (VE_CAN, 0x351, False, "1801f401f4010e01"),
    (PRIVATE, 0x18F0A001, True, "01020304"),
)


def messages(count: int = 40, dice: Random | None = None) -> list[can.Message]:
    """Some seconds of two buses; every 25 ms a frame."""
    found = []
    for number in range(count):
        bus, can_id, extended, data = FRAMES[number % len(FRAMES)]
        raw = bytes.fromhex(data)
        if dice is not None:
            raw = dice.randbytes(len(raw))
        found.append(
            can.Message(
                timestamp=UNIX_S + 0.025 * number,
                channel=bus,
                arbitration_id=can_id,
                is_extended_id=extended,
                data=raw,
            )
        )
    return found


class _StoredBLF(can.BLFWriter):
    def __init__(self, path: str) -> None:
        super().__init__(path, compression_level=0)


WRITERS: dict[str, Callable[..., can.io.generic.MessageWriter]] = {
    "log": can.CanutilsLogWriter,
    "asc": can.ASCWriter,
    "blf": can.BLFWriter,
    "stored.blf": _StoredBLF,
    "trc": can.TRCWriter,
    "csv": can.CSVWriter,
}


def written(folder: Path, kind: str, frames: Iterable[can.Message] | None = None) -> Path:
    """A log in a format of `WRITERS`, or one that is written here; `.gz` packs it."""
    name, packed = kind.removesuffix(".gz"), kind.endswith(".gz")
    path = folder / f"sample.{name}"
    given = messages() if frames is None else list(frames)
    if name in WRITERS:
        writer = WRITERS[name](str(path))
        for each in given:
            writer.on_message_received(each)
        writer.stop()
    else:
        path.write_text(TEXTS[name](given), encoding="ascii")
    if packed:
        path = folder / f"sample.{kind}"
        path.write_bytes(gzip.compress((folder / f"sample.{name}").read_bytes()))
    return path


def _printed(frames: list[can.Message]) -> str:
    return "".join(
        f" ({each.timestamp:.6f})  can{each.channel}  "
        f"{each.arbitration_id:0{8 if each.is_extended_id else 3}X}   [{len(each.data)}]  "
        f"{each.data.hex(' ').upper()}\n"
        for each in frames
    )


def _trc_1(frames: list[can.Message]) -> str:
    head = ";$FILEVERSION=1.1\n;$STARTTIME=45244.9259259259\n;\n"
    return head + "".join(
        f"{number:6}) {1000 * (each.timestamp - UNIX_S):11.1f}  Rx     "
        f"{each.arbitration_id:0{8 if each.is_extended_id else 4}X}  {len(each.data)}  "
        f"{each.data.hex(' ').upper()}\n"
        for number, each in enumerate(frames, 1)
    )


def _savvycan(frames: list[can.Message]) -> str:
    head = "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
    return head + "".join(
        f"{round(1e6 * (each.timestamp - UNIX_S))},{each.arbitration_id:08X},"
        f"{str(each.is_extended_id).lower()},Rx,{each.channel},{len(each.data)},"
        f"{','.join(f'{byte:02X}' for byte in each.data)},\n"
        for each in frames
    )


TEXTS: dict[str, Callable[[list[can.Message]], str]] = {
    "printed": _printed,
    "v1.trc": _trc_1,
    "savvycan.csv": _savvycan,
}
KINDS = (*WRITERS, *TEXTS, "log.gz", "asc.gz", "blf.gz")


def expected(resolution_us: int = 1) -> list[tuple[int, int, bool, bytes]]:
    """Times since the first frame, identifiers, widths and data of `messages`."""
    return [
        (
            25_000 * n // resolution_us * resolution_us,
            m.arbitration_id,
            m.is_extended_id,
            bytes(m.data),
        )
        for n, m in enumerate(messages())
    ]


def blf_of(objects: bytes) -> bytes:
    """A BLF file of these objects, in one container that is not packed."""
    head = struct.pack("<4sLBBBBBBBBQQLL8H8H", b"LOGG", 144, *(0,) * 8, 0, 0, 0, 0, *(0,) * 16)
    size = 16 + 16 + len(objects)
    container = struct.pack("<4sHHLLH6xL4x", b"LOBJ", 16, 1, size, 10, 0, len(objects)) + objects
    return head.ljust(144, b"\0") + container + bytes(size % 4)
