"""An address on NMEA 2000: claimed, defended, lost, moved by command (public: SAE J1939-81).

Of two that claim one address the lower NAME keeps it. Who loses takes the next that nobody has
claimed; who finds none says so from 254, and is silent.
"""

from bms.firmware import milliseconds
from bms.io import Frame
from bms.wire import nmea2000

PREFERRED = 0x50  # public: communication guide
LAST, NONE = 251, 254
CLAIM_TIME_US = milliseconds(250)  # before anything else is sent from a claimed address


class Address:
    """The address of one device with one NAME."""

    def __init__(self, name: bytes) -> None:
        self.value = PREFERRED
        self._name = name
        self._others: set[int] = set()  # addresses that others have claimed
        self._claims = True  # the claim has still to be sent
        self._claimed_us: int | None = None

    @property
    def settled(self) -> bool:
        """Whether its claim is sent, and the time after it is over."""
        return not self._claims and self._claimed_us is None

    def claim(self) -> Frame:
        """The claim, as it is told to who asks."""
        return nmea2000.address_claim(self._name, self.value)

    def due_claim(self, now_us: int) -> tuple[Frame, ...]:
        """The claim, if it has to be sent now."""
        if not self._claims:
            return ()
        self._claims, self._claimed_us = False, now_us
        return (self.claim(),)

    def settle(self, now_us: int) -> None:
        """Whether the time after the claim is over is looked at now."""
        if self._claimed_us is not None and now_us - self._claimed_us >= CLAIM_TIME_US:
            self._claimed_us = None

    def rename(self, name: bytes) -> None:
        """Claim under another NAME."""
        if name != self._name:
            self._name = name
            self.lose()

    def lose(self) -> None:
        """The bus was lost: claim again."""
        self._claims, self._claimed_us = True, None

    def hear(self, source: int, name: bytes) -> Frame | None:
        """Another device claims an address; our answer, where it is ours."""
        if source > LAST or len(name) != nmea2000.NAME_LENGTH or name == self._name:
            return None
        if source != self.value:
            self._others.add(source)
            return None
        if int.from_bytes(name, "little") > int.from_bytes(self._name, "little"):
            return self.claim()
        self._others.add(source)
        self._move(self._free())
        return None

    def command(self, data: bytes) -> None:
        """Commanded address (PGN 65240): the NAME that it is for, and the address to take."""
        if len(data) == nmea2000.NAME_LENGTH + 1 and data[:-1] == self._name and data[-1] <= LAST:
            self._move(data[-1])

    def _move(self, address: int) -> None:
        self.value = address
        self.lose()

    def _free(self) -> int:
        for step in range(1, LAST + 1):
            address = (self.value + step) % (LAST + 1)
            if address not in self._others:
                return address
        return NONE
