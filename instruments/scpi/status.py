"""The status model of IEEE 488.2 and SCPI-99: registers, their enables, the status byte."""


class Register:
    """A SCPI status group: a condition, the events latched from its edges, and an enable."""

    def __init__(self) -> None:
        self.condition = 0
        self.event = 0
        self.enable = 0
        self.rising = 0
        self.falling = 0
        self.preset()

    def preset(self) -> None:
        """Do what STATus:PRESet asks: enable nothing, latch rising edges."""
        self.enable = 0
        self.rising = 0x7FFF
        self.falling = 0

    def update(self, condition: int) -> None:
        """Take a new condition and latch its edges."""
        if condition == self.condition:
            return
        rose = condition & ~self.condition & self.rising
        fell = self.condition & ~condition & self.falling
        self.event |= rose | fell
        self.condition = condition

    def take_event(self) -> int:
        """Read the latched events, which clears them."""
        event, self.event = self.event, 0
        return event

    @property
    def summary(self) -> bool:
        """Whether an enabled event is latched."""
        return bool(self.event & self.enable)


class Status:
    """The standard event register, the two SCPI groups and the byte that sums them up."""

    OPERATION_COMPLETE = 1
    DEVICE_ERROR = 8
    POWER_ON = 128

    def __init__(self) -> None:
        self.esr = self.POWER_ON
        self.ese = 0
        self.sre = 0
        self.power_on_clear = 1
        self.questionable = Register()
        self.operation = Register()
        self.others: list[Register] = []
        """A model's further groups: cleared and preset with these two."""

    @property
    def groups(self) -> list[Register]:
        """Every SCPI group."""
        return [self.questionable, self.operation, *self.others]

    def clear(self) -> None:
        """Forget events, as *CLS asks; enables stay."""
        self.esr = 0
        for group in self.groups:
            group.event = 0

    def preset(self) -> None:
        """Do what STATus:PRESet asks of every group."""
        for group in self.groups:
            group.preset()

    def take_esr(self) -> int:
        """Read the standard events, which clears them."""
        esr, self.esr = self.esr, 0
        return esr

    def byte(self, *, errors_waiting: bool, message_available: bool) -> int:
        """The status byte: EAV 2, QUES 3, MAV 4, ESB 5, MSS 6, OPER 7."""
        stb = (
            errors_waiting << 2
            | self.questionable.summary << 3
            | message_available << 4
            | bool(self.esr & self.ese) << 5
            | self.operation.summary << 7
        )
        return stb | bool(stb & self.sre & ~64) << 6
