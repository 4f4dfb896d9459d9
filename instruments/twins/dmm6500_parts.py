"""What a Keithley DMM6500 can measure, and what can be set of it without changing a reading.

Source of each number: see ``twins/dmm6500.py``. Errors of DC voltage are of the order of the data
sheet's for one year; those of the other functions are chosen.
"""

from collections.abc import Mapping

from instruments.scpi import Boolean, Choice, Number, Parameter
from instruments.twins.metering import Function, Quantity

# Chosen: half a decade of resolution for each decade of integration, from 6.5 digits at 1 PLC.
RESOLUTION: Mapping[float, float] = {
    0.0005: 1e-4,
    0.006: 3e-5,
    0.06: 5e-6,
    0.6: 2e-6,
    1.0: 1e-6,
    10.0: 0.5e-6,
}

_OHMS = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8)
_AMPERES = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0)
_VOLTS = (0.1, 1.0, 10.0, 100.0, 1000.0)


def _function(
    name: str,
    header: str,
    quantity: Quantity,
    ranges: tuple[float, ...],
    *,
    integrates: bool = True,
    fixed: bool = False,
    seconds: float = 0.02,
    reading_error: float = 1e-4,
    range_error: float = 2e-5,
) -> Function:
    return Function(
        name=name,
        header=header,
        quantity=quantity,
        ranges=ranges,
        usual=ranges[-1] if ranges else 1.0,
        reading_error=reading_error,
        range_error=range_error,
        top=1.05 * ranges[-1] if ranges else 9.9e37,
        integrates=integrates,
        ranges_itself=bool(ranges) and not fixed,
        seconds=seconds,
    )


FUNCTIONS: tuple[Function, ...] = (
    _function(
        "VOLT:DC",
        "VOLTage[:DC]",
        Quantity.DC_VOLTAGE,
        _VOLTS,
        reading_error=4e-5,
        range_error=6e-6,
    ),
    _function(
        "VOLT:AC",
        "VOLTage:AC",
        Quantity.AC_VOLTAGE,
        (0.1, 1.0, 10.0, 100.0, 750.0),
        integrates=False,
        seconds=0.1,
        reading_error=6e-4,
        range_error=3e-4,
    ),
    _function("CURR:DC", "CURRent[:DC]", Quantity.DC_CURRENT, _AMPERES, reading_error=5e-4),
    _function(
        "CURR:AC",
        "CURRent:AC",
        Quantity.AC_CURRENT,
        _AMPERES[2:],
        integrates=False,
        seconds=0.1,
        reading_error=1e-3,
        range_error=4e-4,
    ),
    _function("RES", "RESistance", Quantity.RESISTANCE, _OHMS),
    _function("FRES", "FRESistance", Quantity.RESISTANCE, (1.0, *_OHMS)),
    _function("DIOD", "DIODe", Quantity.DC_VOLTAGE, (10.0,), fixed=True),
    _function(
        "CAP",
        "CAPacitance",
        Quantity.CAPACITANCE,
        (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3),
        integrates=False,
        seconds=0.3,
        reading_error=5e-3,
        range_error=5e-3,
    ),
    _function("TEMP", "TEMPerature", Quantity.TEMPERATURE, (), range_error=0.1, reading_error=0.0),
    _function("CONT", "CONTinuity", Quantity.RESISTANCE, (1e3,), fixed=True, integrates=False),
    _function(
        "FREQ:VOLT",
        "FREQuency[:VOLTage]",
        Quantity.FREQUENCY,
        (),
        integrates=False,
        seconds=0.2,
        range_error=0.0,
    ),
    _function(
        "PER:VOLT",
        "PERiod[:VOLTage]",
        Quantity.PERIOD,
        (),
        integrates=False,
        seconds=0.2,
        range_error=0.0,
    ),
    _function("VOLT:DC:RAT", "VOLTage[:DC]:RATio", Quantity.DC_VOLTAGE_RATIO, _VOLTS),
)

_DELAYS = Boolean()
_AVERAGING: Mapping[str, tuple[Parameter, object]] = {
    "AVERage[:STATe]": (Boolean(), False),
    "AVERage:COUNt": (Number(low=1, high=100, default=10, whole=True), 10.0),
    "AVERage:TCONtrol": (Choice(of=("REPeat", "MOVing", "HYBRid")), "REP"),
    "AVERage:WINDow": (Number(low=0.0, high=10.0, default=0.0), 0.0),
    "DELay:AUTO": (_DELAYS, True),
}
_DETECTOR: Mapping[str, tuple[Parameter, object]] = {
    "DETector:BANDwidth": (Number(low=3, high=300, default=3), 3.0),
}
_LINE: Mapping[str, tuple[Parameter, object]] = {"LINE:SYNC": (Boolean(), False)}
_OHM: Mapping[str, tuple[Parameter, object]] = {
    **_LINE,
    "OCOMpensated": (Choice(of=("ON", "OFF", "AUTO")), "OFF"),
    "ODETector": (Boolean(), True),
}
_GATE: Mapping[str, tuple[Parameter, object]] = {
    "APERture": (Number(unit="S", low=0.002, high=0.273, default=0.2), 0.2),
    "THReshold:RANGe[:UPPer]": (Number(low=0.1, high=750.0, default=10.0), 10.0),
    "THReshold:RANGe:AUTO": (Boolean(), True),
}
# By function: what else can be set, and what it is set to after a reset.
OPTIONS: Mapping[str, Mapping[str, tuple[Parameter, object]]] = {
    "VOLT:DC": {
        **_AVERAGING,
        **_LINE,
        "INPutimpedance": (Choice(of=("AUTO", "MOHM10")), "MOHM10"),
        "UNIT": (Choice(of=("VOLT", "DB", "DBM")), "VOLT"),
        "DB:REFerence": (Number(low=1e-7, high=1000.0, default=1.0), 1.0),
    },
    "VOLT:AC": {**_AVERAGING, **_DETECTOR, "UNIT": (Choice(of=("VOLT", "DB", "DBM")), "VOLT")},
    "CURR:DC": {**_AVERAGING, **_LINE},
    "CURR:AC": {**_AVERAGING, **_DETECTOR},
    "RES": {**_AVERAGING, **_OHM},
    "FRES": {**_AVERAGING, **_OHM},
    "DIOD": {
        **_AVERAGING,
        **_LINE,
        "BIAS:LEVel": (Number(unit="A", low=1e-5, high=1e-2, default=1e-3), 1e-3),
    },
    "CAP": _AVERAGING,
    "TEMP": {
        **_AVERAGING,
        **_LINE,
        "TRANsducer": (
            Choice(of=("TCouple", "THERmistor", "RTD", "TRTD", "FRTD", "CJC2001")),
            "TC",
        ),
        "TCouple:TYPE": (Choice(of=("B", "E", "J", "K", "N", "R", "S", "T")), "K"),
        "TCouple:RJUNction:SIMulated": (Number(low=0.0, high=65.0, default=23.0), 23.0),
        "RTD:TWO": (Choice(of=("PT100", "PT385", "PT3916", "D100", "F100", "USER")), "PT100"),
        "RTD:THRee": (Choice(of=("PT100", "PT385", "PT3916", "D100", "F100", "USER")), "PT100"),
        "RTD:FOUR": (Choice(of=("PT100", "PT385", "PT3916", "D100", "F100", "USER")), "PT100"),
        "THERmistor": (Number(low=2252, high=10000, default=5000), 5000.0),
        "UNIT": (Choice(of=("CELSius", "FAHRenheit", "KELVin")), "CELS"),
        "ODETector": (Boolean(), True),
    },
    "CONT": {},
    "FREQ:VOLT": {**_AVERAGING, **_GATE},
    "PER:VOLT": {**_AVERAGING, **_GATE},
    "VOLT:DC:RAT": {**_AVERAGING, **_LINE},
}
SCREENS = (
    "HOME",
    "HOME_LARGe_reading",
    "READing_table",
    "GRAPh",
    "HISTogram",
    "SWIPE_FUNCtions",
    "SWIPE_GRAPh",
    "SWIPE_SECondary",
    "SWIPE_SETTings",
    "SWIPE_STATistics",
    "SWIPE_USER",
    "SWIPE_CHANnel",
    "SWIPE_NONSwitch",
    "SWIPE_SCAN",
    "CHANNEL_CONTrol",
    "CHANNEL_SETTings",
    "CHANNEL_SCAN",
    "PROCessing",
)


def plain(value: float) -> str:
    """As the meter writes settings: six digits, no more than needed."""
    return f"{value:.6g}"


def reading(value: float) -> str:
    """As the meter writes readings: ``-1.322940E-05``."""
    return f"{value:.6E}"
