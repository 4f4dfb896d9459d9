"""The kinds of faults of a battery's sensors: six ways to err for each kind of sensor."""

from rig.faults.kind import Element, FaultKind, Parameter

CELL_EMULATOR = "cell emulator in place of the battery's cells"
DECADE = "resistor decade in place of the sensor, by the relay box"


def _sensor(
    sensor: str, element: Element, unit: str, full: tuple[float, float, float], lab: str
) -> tuple[FaultKind, ...]:
    """The six ways in which a sensor errs; `full`: lowest, highest reading, and a usual error."""
    step, absolute = ("v", "v") if unit == "V" else ("k", "c")
    name_of_unit, step_unit = ("V", "V") if unit == "V" else ("degC", "K")
    low, high, usual = full
    wire = "terminals, in the battery's process"

    def kind(name: str, does: str, *parameters: Parameter) -> FaultKind:
        return FaultKind(
            name=f"{sensor} {name}",
            element=element,
            does=does,
            parameters=parameters,
            sim="terminals of the battery's electronics",
            wire=wire,
            lab=lab,
        )

    return (
        kind(
            "offset",
            "It reads too much, or too little, by a fixed amount",
            Parameter(
                name=f"offset_{step}",
                meaning="added to the true value",
                unit=step_unit,
                low=-high,
                high=high,
                default=usual,
            ),
        ),
        kind(
            "drift",
            "Its error grows from now on",
            Parameter(
                name=f"drift_{step}_per_h",
                meaning="by how much in an hour",
                unit=f"{step_unit}/h",
                low=-1000 * high,
                high=1000 * high,
                default=usual,
            ),
        ),
        kind(
            "stuck",
            "It reads the same whatever happens",
            Parameter(
                name=f"at_{absolute}",
                meaning="what it reads; left out: what it reads now",
                unit=name_of_unit,
                low=low,
                high=high,
                optional=True,
            ),
        ),
        kind(
            "noisy",
            "It reads around the true value, normally distributed, anew at each measurement",
            Parameter(
                name=f"noise_{step}",
                meaning="standard deviation",
                unit=step_unit,
                low=0.0,
                high=high,
                default=usual,
            ),
        ),
        kind("open", "Its wire is broken: there is no valid reading"),
        kind(
            "short",
            "Its two wires touch: 0 V"
            if unit == "V"
            else "Its two wires touch: an NTC of 0 ohm, the hot end of the range",
        ),
    )


SENSORS: tuple[FaultKind, ...] = (
    *_sensor(
        "cell voltage",
        Element.CELL_VOLTAGE_SENSOR,
        "V",
        (0.0, 5.0, 0.02),
        CELL_EMULATOR,
    ),
    *_sensor(
        "cell temperature",
        Element.CELL_TEMPERATURE_SENSOR,
        "degC",
        (-40.0, 125.0, 5.0),
        DECADE,
    ),
    *_sensor(
        "terminal temperature",
        Element.TERMINAL_TEMPERATURE_SENSOR,
        "degC",
        (-40.0, 125.0, 5.0),
        DECADE,
    ),
)
