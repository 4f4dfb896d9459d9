"""Commands that every SCPI instrument has: IEEE 488.2 section 10, SYSTem:ERRor, STATus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from instruments.scpi.command import Command
from instruments.scpi.errors import ErrorQueue
from instruments.scpi.parameters import Number
from instruments.scpi.status import Register, Status

_BYTE = Number(low=0, high=255, whole=True)
_WORD = Number(low=0, high=0xFFFF, whole=True)
_SHORT = Number(low=-32_767, high=32_767, whole=True)
# Bit 6 of the service request enable and bit 15 of a SCPI register are always 0.
_SERVICE_BITS, _REGISTER_BITS = 0xFF & ~64, 0x7FFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Where *SAV and *RCL keep settings: numbered places, and how settings are taken and given.

    An empty place holds what the instrument is reset to.
    """

    places: range
    capture: Callable[[], object]
    restore: Callable[[object], None]


class _Dialect(Protocol):
    @property
    def scpi_version(self) -> str: ...

    @property
    def integer_format(self) -> str: ...


class _Device(Protocol):
    """The part of a device that these commands need."""

    identity: Callable[[], str]
    reset: Callable[[], None]
    errors: ErrorQueue
    status: Status

    @property
    def dialect(self) -> _Dialect: ...

    @property
    def message_available(self) -> bool: ...

    def status_byte(self, *, message_available: bool) -> int: ...

    def next_error(self) -> str: ...


def common_commands(device: _Device) -> list[Command]:
    """The table for a device; every command of the device completes at once."""
    status, errors = device.status, device.errors
    show = device.dialect.integer_format.format

    def clear() -> None:
        status.clear()
        errors.clear()

    def complete() -> None:
        status.esr |= Status.OPERATION_COMPLETE

    def power_on_clear(value: float) -> None:
        status.power_on_clear = int(value != 0)

    return [
        Command("*IDN", query=device.identity),
        Command("*RST", set=device.reset),
        Command("*CLS", set=clear),
        *_mask("*ESE", status, "ese", _BYTE, 0xFF, show),
        *_mask("*SRE", status, "sre", _BYTE, _SERVICE_BITS, show),
        Command("*ESR", query=lambda: show(status.take_esr())),
        Command(
            "*STB",
            query=lambda: show(device.status_byte(message_available=device.message_available)),
        ),
        Command("*OPC", set=complete, query=lambda: "1"),
        Command("*WAI", set=lambda: None),
        Command("*TST", query=lambda: show(0)),
        Command(
            "*PSC",
            set=power_on_clear,
            params=(_SHORT,),
            query=lambda: show(status.power_on_clear),
        ),
        Command("SYSTem:ERRor[:NEXT]", query=device.next_error),
        Command("SYSTem:ERRor:COUNt", query=lambda: show(len(errors))),
        Command("SYSTem:VERSion", query=lambda: device.dialect.scpi_version),
        Command("STATus:PRESet", set=status.preset),
        *status_group("STATus:QUEStionable", status.questionable, show),
        *status_group("STATus:OPERation", status.operation, show),
    ]


def memory_commands(memory: Memory, reset: Callable[[], None]) -> list[Command]:
    """*SAV and *RCL."""
    kept: dict[int, object] = {}
    place = (Number(low=memory.places.start, high=memory.places.stop - 1, whole=True),)

    def save(number: float) -> None:
        kept[int(number)] = memory.capture()

    def recall(number: float) -> None:
        if int(number) in kept:
            memory.restore(kept[int(number)])
        else:
            reset()

    return [Command("*SAV", set=save, params=place), Command("*RCL", set=recall, params=place)]


def status_group(
    header: str, register: Register, show: Callable[[int], str] = "{:d}".format
) -> list[Command]:
    """The commands of one group; a model's own group also belongs into ``Status.others``."""
    return [
        Command(f"{header}[:EVENt]", query=lambda: show(register.take_event())),
        Command(f"{header}:CONDition", query=lambda: show(register.condition)),
        *_mask(f"{header}:ENABle", register, "enable", _WORD, _REGISTER_BITS, show),
        *_mask(f"{header}:PTRansition", register, "rising", _WORD, _REGISTER_BITS, show),
        *_mask(f"{header}:NTRansition", register, "falling", _WORD, _REGISTER_BITS, show),
    ]


def _mask(
    header: str, owner: object, name: str, number: Number, bits: int, show: Callable[[int], str]
) -> list[Command]:
    def store(value: float) -> None:
        setattr(owner, name, int(value) & bits)

    return [
        Command(header, set=store, params=(number,), query=lambda: show(getattr(owner, name))),
    ]
