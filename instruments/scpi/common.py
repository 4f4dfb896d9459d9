"""Commands that every SCPI instrument has: IEEE 488.2 section 10, SYSTem:ERRor, STATus."""

from collections.abc import Callable
from typing import Protocol

from instruments.scpi.command import Command
from instruments.scpi.errors import ErrorQueue
from instruments.scpi.parameters import Number
from instruments.scpi.status import Register, Status

_BYTE = Number(low=0, high=255)
_WORD = Number(low=0, high=0x7FFF)


class _Dialect(Protocol):
    @property
    def scpi_version(self) -> str: ...


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


def common_commands(device: _Device) -> list[Command]:
    """The table for a device; every command of the device completes at once."""
    status, errors = device.status, device.errors

    def clear() -> None:
        status.clear()
        errors.clear()

    def complete() -> None:
        status.esr |= Status.OPERATION_COMPLETE

    def status_byte() -> str:
        return str(
            status.byte(errors_waiting=len(errors) > 0, message_available=device.message_available)
        )

    def preset() -> None:
        status.questionable.preset()
        status.operation.preset()

    return [
        Command("*IDN", query=device.identity),
        Command("*RST", set=device.reset),
        Command("*CLS", set=clear),
        *_mask("*ESE", status, "ese", _BYTE),
        *_mask("*SRE", status, "sre", _BYTE),
        Command("*ESR", query=lambda: str(status.take_esr())),
        Command("*STB", query=status_byte),
        Command("*OPC", set=complete, query=lambda: "1"),
        Command("*WAI", set=lambda: None),
        Command("*TST", query=lambda: "0"),
        Command("SYSTem:ERRor[:NEXT]", query=lambda: str(errors.pop())),
        Command("SYSTem:ERRor:COUNt", query=lambda: str(len(errors))),
        Command("SYSTem:VERSion", query=lambda: device.dialect.scpi_version),
        Command("STATus:PRESet", set=preset),
        *_group("STATus:QUEStionable", status.questionable),
        *_group("STATus:OPERation", status.operation),
    ]


def _group(header: str, register: Register) -> list[Command]:
    return [
        Command(f"{header}[:EVENt]", query=lambda: str(register.take_event())),
        Command(f"{header}:CONDition", query=lambda: str(register.condition)),
        *_mask(f"{header}:ENABle", register, "enable", _WORD),
        *_mask(f"{header}:PTRansition", register, "rising", _WORD),
        *_mask(f"{header}:NTRansition", register, "falling", _WORD),
    ]


def _mask(header: str, owner: object, name: str, number: Number) -> list[Command]:
    def store(value: float) -> None:
        setattr(owner, name, round(value))

    return [
        Command(header, set=store, params=(number,), query=lambda: str(getattr(owner, name))),
    ]
