"""Twin of the TDK-Lambda GENESYS+ G80-65 (80 V, 65 A, 5.2 kW): SCPI, or the native GEN language.

Which language its interfaces speak is a menu setting of the real one, here `language`.
Source of each behaviour: named in the parts, ``genesys_core`` (what it reports), ``genesys_scpi``,
``gen_language`` and ``tdk_supply`` (its rules); terminators and port are the LAN option manual's.
What is unverified is listed in ``drivers/genesys.py``.
Deviations from the standard: a set command takes a supply that is in local to remote; a carriage
return ends a message too; errors have the maker's numbers, and the address in their text; status
words are 16 bits wide.
"""

import random
from collections.abc import Callable
from typing import Literal

from instruments.protocols import Conversation
from instruments.scpi import Device, Dialect
from instruments.twins.electrical import Port
from instruments.twins.gen_language import GenConversation, GenLanguage
from instruments.twins.genesys_core import Genesys
from instruments.twins.genesys_scpi import GenesysScpi
from instruments.twins.twin import Twin


class GenesysTwin(Twin):
    """One supply behind SCPI or GEN."""

    default_port = 8003

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.01,  # chosen: the manual asks for 5 ms between commands
        language: Literal["scpi", "gen"] = "scpi",
        address: int = 6,
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self.language = language
        self.genesys = Genesys(serial=serial, address=address, dice=dice, now_us=now_us)
        self.stage = self.genesys.stage
        self.supervised = self.stage
        self.watchdog = self.stage.watchdog
        self.demand = self.stage.demand
        self._scpi = GenesysScpi(self.genesys)
        self.device = self._scpi.device = Device(
            self._scpi.commands(),
            identity=self.who,
            reset=self._scpi.reset,
            dialect=Dialect(input_limit=256, queue_length=10),
        )
        self._gen = GenLanguage(self.genesys, who=self.who)
        self.stage.on_change = self._refresh
        self._refresh()

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self.stage.connect(port)

    @property
    def interlock_open(self) -> bool:
        """Whether the interlock contact of the rear connector is open."""
        return self.genesys.interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self.genesys.interlock_open = is_open

    def conversation(self) -> Conversation:
        """Begin a client's connection in the language that is set."""
        if self.language == "gen":
            return GenConversation(self, self._gen)
        return _CarriageReturns(super().conversation())

    def identity(self) -> str:
        """Four fields."""
        return f"TDK-LAMBDA,G80-65,{self.serial},G:01.000"

    def _refresh(self) -> None:
        self._scpi.refresh()
        self._gen.refresh()


class _CarriageReturns:
    """A conversation in which a carriage return ends a message as a line feed does."""

    def __init__(self, inner: Conversation) -> None:
        self._inner = inner

    def receive(self, data: bytes) -> bytes:
        """Obey and answer."""
        return self._inner.receive(data.replace(b"\r", b"\n"))

    def interrupted(self) -> None:
        """Know that an answer was thrown away by the next message."""
        self._inner.interrupted()

    def unterminated(self) -> None:
        """Know that a client read without having asked."""
        self._inner.unterminated()
