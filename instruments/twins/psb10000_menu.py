"""Settings of the PSB 10080-1000 that stand in its menus and are reached by SCPI as well."""

from collections.abc import Callable

from instruments.scpi import Choice, Command, Number, ScpiError, Text
from instruments.twins.psb10000_tables import (
    NOMINAL_A,
    NOMINAL_V,
    NOMINAL_W,
    show_a,
    show_v,
    show_w,
)

USER_TEXT_LENGTH_MAX = 40

# Settings that are kept and answered and change nothing here; the first choice is the default.
KEPT = (
    ("SYSTem:CONFig:OUTPut:RESTore", ("OFF", "AUTO")),
    ("SYSTem:ALARm:ACTion:PFAil", ("OFF", "AUTO")),
    ("SYSTem:ALARm:ACTion:OTEMperature", ("OFF", "AUTO")),
    ("SYSTem:CONFig:CONTroller:SPEed", ("NORMal", "SLOW", "FAST")),
    ("SYSTem:CONFig:SEMIf47", ("DISable", "ENABle")),
    ("SYSTem:COMMunicate:PROTocol:MODBus", ("ENABle", "DISable")),
    ("FUNCtion:GENerator:SELect", ("NONE",)),
)


class Menu:
    """What the menus keep."""

    def __init__(self, require_remote: Callable[[], None]) -> None:
        self._require_remote = require_remote
        # AUTO leaves the output as it is when remote control ends: dangerous.
        self.state_after_remote = "OFF"
        self.user_text = ""
        self._kept = {header: _short(choices[0]) for header, choices in KEPT}

    def commands(self) -> list[Command]:
        """The settings as commands."""
        return [
            Command("SYSTem:NOMinal:VOLTage", query=lambda: show_v(NOMINAL_V)),
            Command("SYSTem:NOMinal:CURRent", query=lambda: show_a(NOMINAL_A)),
            Command("SYSTem:NOMinal:POWer", query=lambda: show_w(NOMINAL_W)),
            Command(
                "SYSTem:CONFig:MODE",
                set=self._choose_mode,
                params=(Choice(of=("UIP", "UIR")),),
                query=lambda: "UIP",
            ),
            Command("[SOURce:]RESistance", set=_refuse, params=(Number(unit="OHM"),)),
            Command("SINK:RESistance", set=_refuse, params=(Number(unit="OHM"),)),
            Command(
                "POWer:STAGe:AFTer:REMote",
                set=self._set_after_remote,
                params=(Choice(of=("AUTO", "OFF")),),
                query=lambda: self.state_after_remote,
            ),
            Command(
                "SYSTem:CONFig:USER:TEXT",
                set=self._set_user_text,
                params=(Text(),),
                query=lambda: f'"{self.user_text}"',
            ),
            *(self._keep(header, choices) for header, choices in KEPT),
        ]

    def _keep(self, header: str, choices: tuple[str, ...]) -> Command:
        def store(choice: str) -> None:
            self._require_remote()
            self._kept[header] = choice

        return Command(
            header, set=store, params=(Choice(of=choices),), query=lambda: self._kept[header]
        )

    def _choose_mode(self, mode: str) -> None:
        self._require_remote()
        if mode == "UIR":
            # The twin has no internal resistance to regulate.
            raise ScpiError(-221)

    def _set_after_remote(self, state: str) -> None:
        self._require_remote()
        self.state_after_remote = state

    def _set_user_text(self, text: str) -> None:
        self._require_remote()
        if len(text) > USER_TEXT_LENGTH_MAX:
            raise ScpiError(-222)
        self.user_text = text


def _refuse(_ohm: float) -> None:
    # As the model does in mode UIP.
    raise ScpiError(-221)


def _short(spelling: str) -> str:
    return "".join(character for character in spelling if not character.islower())
