"""SCPI errors: their codes and texts, and the queue in which a client finds them."""

from collections import deque
from collections.abc import Mapping

# Texts of SCPI-99 volume 2, chapter 21.
TEXTS: Mapping[int, str] = {
    0: "No error",
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -110: "Command header error",
    -111: "Header separator error",
    -112: "Program mnemonic too long",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -124: "Too many digits",
    -128: "Numeric data not allowed",
    -131: "Invalid suffix",
    -134: "Suffix too long",
    -138: "Suffix not allowed",
    -141: "Invalid character data",
    -144: "Character data too long",
    -148: "Character data not allowed",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -171: "Invalid expression",
    -178: "Expression data not allowed",
    -200: "Execution error",
    -203: "Command protected",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -220: "Parameter error",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -225: "Out of memory",
    -230: "Data corrupt or stale",
    -240: "Hardware error",
    -241: "Hardware missing",
    -300: "Device-specific error",
    -310: "System error",
    -330: "Self-test failed",
    -350: "Queue overflow",
    -360: "Communication error",
    -363: "Input buffer overrun",
    -400: "Query error",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
}


class ScpiError(Exception):
    """What a command did wrong, by its SCPI code; a vendor's own codes bring their text."""

    def __init__(self, code: int, text: str | None = None) -> None:
        self.code = code
        self.text = TEXTS[code] if text is None else text
        super().__init__(f'{code},"{self.text}"')

    @property
    def event_bit(self) -> int:
        """The bit of the standard event status register that this class of error sets."""
        match -self.code // 100:
            case 1:
                return 32
            case 2:
                return 16
            case 4:
                return 4
            case _:
                return 8  # Device-specific: -300 to -399 and every positive code.


class ErrorQueue:
    """First in, first out; when full, the newest gives way to -350."""

    def __init__(self, length: int = 16) -> None:
        self._errors: deque[ScpiError] = deque()
        self._length = length

    def __len__(self) -> int:
        return len(self._errors)

    def push(self, error: ScpiError) -> bool:
        """Add an error, and give whether there was room for it."""
        if len(self._errors) >= self._length:
            self._errors[-1] = ScpiError(-350)
            return False
        self._errors.append(error)
        return True

    def pop(self) -> ScpiError:
        """Take the oldest error, or the one that says there is none."""
        return self._errors.popleft() if self._errors else ScpiError(0)

    def clear(self) -> None:
        """Forget all."""
        self._errors.clear()
