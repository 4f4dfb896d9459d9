"""The CONFigure tree of the Chroma 63206A: when the load starts, and settings that change nothing.

Von: the load waits with drawing until this voltage is there. With the latch off it also stops below
it. Voff: below it the load stops whatever the latch says.
"""

from instruments.scpi import Boolean, Choice, Command, Number, setting
from instruments.twins.chroma63206a_tables import MAXIMUM_V, RANGES, number
from instruments.twins.stage import LoadStage

# Kept and answered, without effect here; the first choice is the default.
KEPT = (
    ("CONFigure:REMote", ("ON", "OFF")),
    ("CONFigure:AUTO:LOAD", ("OFF", "ON")),
    ("CONFigure:AUTO:MODE", ("LOAD", "PROGRAM")),
    ("CONFigure:SOUNd", ("ON", "OFF")),
    ("CONFigure:LOAD", ("UPDATED", "OLD")),
    ("LOAD:SHORt:KEY", ("TOGGLE", "HOLD")),
    ("CONFigure:ECHO", ("OFF", "ON")),
    ("CONFigure:PARAllel:MODE", ("NONE", "MASTER", "SLAVE")),
    ("CONFigure:PARAllel:INITial", ("OFF", "ON")),
    ("CONFigure:SYNChronous:MODE", ("NONE", "MASTER", "SLAVE")),
    ("VOLTage[:STATic]:RESponse", ("SLOW", "NORMAL", "FAST")),
    ("MEASure:INPut", ("LOAD", "UUT")),
)


class Menu:
    """What is configured."""

    def __init__(self, stage: LoadStage) -> None:
        self._stage = stage
        self._kept: dict[str, str] = {}
        self._window_s = 0.02
        self._span = "H"
        self.reset()

    def reset(self) -> None:
        """As after switching on."""
        self._kept = {header: choices[0] for header, choices in KEPT}
        self._window_s = 0.02
        self._span = "H"
        self._stage.start_voltage_v = self._stage.stop_voltage_v = 0.0
        self._stage.start_latches = True

    def commands(self) -> list[Command]:
        """The settings as commands."""
        stage = self._stage
        volts = Number(unit="V", low=0.0, high=MAXIMUM_V, default=0.0)

        def start(voltage_v: float) -> None:
            stage.start_voltage_v = voltage_v
            stage.supervise()

        def stop(voltage_v: float) -> None:
            stage.stop_voltage_v = voltage_v
            stage.supervise()

        def latch(on: bool) -> None:
            stage.start_latches = on
            stage.supervise()

        return [
            setting("CONFigure:VOLTage:ON", volts, start, lambda: stage.start_voltage_v, number),
            setting("CONFigure:VOLTage:OFF", volts, stop, lambda: stage.stop_voltage_v, number),
            # The series spell it both ways.
            *(
                Command(
                    f"CONFigure:VOLTage:{spelling}[:STATe]",
                    set=latch,
                    params=(Boolean(),),
                    query=lambda: "ON" if stage.start_latches else "OFF",
                )
                for spelling in ("LATCh", "LATch")
            ),
            Command("CONFigure:VOLTage:LATCh:RESet", set=stage.wait_again),
            Command("CONFigure:SAVE", set=lambda: None),
            Command(
                "CONFigure:VOLTage:RANGe",
                set=self._set_range,
                params=(_VoltageRange(),),
                query=lambda: number(RANGES[self._span].voltage_v),
            ),
            setting(
                "CONFigure:WINDow",
                Number(unit="S", low=0.02, high=2.0, default=0.02),
                self._set_window,
                lambda: self._window_s,
                number,
            ),
            *(self._keep(header, choices) for header, choices in KEPT),
        ]

    def _set_range(self, span: str) -> None:
        self._span = span

    def _set_window(self, seconds: float) -> None:
        self._window_s = seconds

    def _keep(self, header: str, choices: tuple[str, ...]) -> Command:
        def store(choice: str) -> None:
            self._kept[header] = choice

        switch = set(choices) == {"ON", "OFF"}

        def store_switch(on: bool) -> None:
            self._kept[header] = "ON" if on else "OFF"

        return Command(
            header,
            set=store_switch if switch else store,
            params=(Boolean() if switch else Choice(of=choices),),
            query=lambda: self._kept[header],
        )


class _VoltageRange:
    """A range by its letter, or by a voltage that it must hold."""

    optional = False
    _letters = Choice(of=("Low", "Middle", "High"))
    _volts = Number(unit="V", low=0.0, high=MAXIMUM_V)

    def parse(self, token: str) -> str:
        """Read the letter of the range."""
        if token[:1].isalpha() and token[:1] not in "Ee":
            return self._letters.parse(token)
        volts = self._volts.parse(token)
        return next(span for span in "LMH" if volts <= RANGES[span].voltage_v)
