"""The RP7900's two questionable groups, or-ed into the one bit of the status byte."""

from collections.abc import Callable

from instruments.scpi import Command, Device, Number, Register

_HEADER = "STATus:QUEStionable<1-2>"
_FILTERS = (("ENABle", "enable"), ("PTRansition", "rising"), ("NTRansition", "falling"))


class QuestionableGroups:
    """The device's own group as the first, one more as the second, and their commands."""

    def __init__(self, device: Callable[[], Device]) -> None:
        """`device` is asked when a command runs: commands are declared before it exists."""
        self._device = device
        self.second = Register()

    def commands(self) -> list[Command]:
        """Those that a device with one group has, for two."""
        return [
            Command(f"{_HEADER}[:EVENt]", query=lambda n: str(self._group(n).take_event())),
            Command(f"{_HEADER}:CONDition", query=lambda n: str(self._group(n).condition)),
            *(self._mask(f"{_HEADER}:{node}", name) for node, name in _FILTERS),
            Command("STATus:PRESet", set=self._preset),
            Command("*CLS", set=self._forget_events),
            Command("*STB", query=self._status_byte),
        ]

    def _group(self, number: int) -> Register:
        return self._device().status.questionable if number == 1 else self.second

    def _mask(self, header: str, name: str) -> Command:
        return Command(
            header,
            set=lambda n, value: setattr(self._group(n), name, round(value)),
            params=(Number(low=0.0, high=32_767.0),),
            query=lambda n: str(getattr(self._group(n), name)),
        )

    def _preset(self) -> None:
        for register in (self._group(1), self.second, self._device().status.operation):
            register.preset()

    def _forget_events(self) -> None:
        device = self._device()
        device.status.clear()
        device.errors.clear()
        self.second.event = 0

    def _status_byte(self) -> str:
        device = self._device()
        byte = device.status.byte(
            errors_waiting=len(device.errors) > 0, message_available=device.message_available
        )
        byte = byte & ~64 | self.second.summary << 3
        return str(byte | bool(byte & device.status.sre & ~64) << 6)
