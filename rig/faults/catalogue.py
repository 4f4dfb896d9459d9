"""All kinds of faults, by hand, in the order in which they are listed.

Ranges are what a bench can set, defaults are chosen: what such a fault is in the field.
"""

from rig.faults.kind import Element, FaultKind, Parameter
from rig.faults.sensor_kinds import CELL_EMULATOR, SENSORS

SIMULATED_BATTERY = "simulated battery on the private CAN bus"
CHAMBER = "climatic chamber"
RELAY_BOX = "relay box"
CAN_STRESS = "CAN stress module on the private bus, triggered by the sender's identifiers"


CELL_AGEING = (
    FaultKind(
        name="cell weak",
        element=Element.CELL,
        does="It has less capacity than its neighbours, at the same state of charge",
        parameters=(
            Parameter(
                name="capacity_pct",
                meaning="of what it has",
                unit="%",
                low=5.0,
                high=100.0,
                default=80.0,
            ),
        ),
        lab=CELL_EMULATOR,
    ),
    FaultKind(
        name="cell aged",
        element=Element.CELL,
        does="It has more resistance than its neighbours",
        parameters=(
            Parameter(
                name="resistance_pct",
                meaning="of what it has",
                unit="%",
                low=100.0,
                high=5000.0,
                default=200.0,
            ),
        ),
        lab=CELL_EMULATOR,
    ),
    FaultKind(
        name="cell shorted",
        element=Element.CELL,
        does="An internal short discharges and warms it; what is lost stays lost",
        parameters=(
            Parameter(
                name="short_ohm",
                meaning="resistance of the short",
                unit="ohm",
                low=0.01,
                high=10_000.0,
                default=1.0,
            ),
        ),
        lab="resistor across the cell, by the relay box",
    ),
    FaultKind(
        name="cell reversed",
        element=Element.CELL,
        does="Its neighbours have driven it below zero: its voltage is negative",
        parameters=(
            Parameter(
                name="reverse_v",
                meaning="how far below zero it rests",
                unit="V",
                low=0.05,
                high=2.0,
                default=0.5,
            ),
        ),
        lab=CELL_EMULATOR,
    ),
)

CIRCUIT = (
    FaultKind(
        name="busbar loose",
        element=Element.BUSBAR,
        does="The contact at a battery's terminal has a resistance, which drops volts and warms it",
        parameters=(
            Parameter(
                name="contact_mohm",
                meaning="besides that of a sound contact",
                unit="mohm",
                low=0.01,
                high=100.0,
                default=1.0,
            ),
        ),
        lab="shunt in the string, bridged by the relay box",
    ),
    FaultKind(
        name="contactor welded",
        element=Element.CONTACTOR,
        does="Its contacts stay closed, whatever its coil says",
        lab="contactor across the main one, by the relay box",
    ),
    FaultKind(
        name="contactor stuck open",
        element=Element.CONTACTOR,
        does="Its contacts stay open, whatever its coil says",
        lab="contactor in series with the main one, by the relay box",
    ),
    FaultKind(
        name="main fuse blown",
        element=Element.MAIN_FUSE,
        does="No current flows between the strings and the contactor",
        lab="contactor in the fuse's place, by the relay box",
    ),
    FaultKind(
        name="pre-charge fuse blown",
        element=Element.PRECHARGE_FUSE,
        does="No current flows through the pre-charge path",
        lab="relay in the fuse's place",
    ),
    FaultKind(
        name="pre-charge element burnt",
        element=Element.PRECHARGE_ELEMENT,
        does="The pre-charge resistor or NTC has burnt out",
        lab="relay in the pre-charge path",
    ),
    FaultKind(
        name="shunt error",
        element=Element.SHUNT,
        does="The DUT measures the current through its shunt wrongly, within its tolerance",
        parameters=(
            Parameter(
                name="offset_a",
                meaning="added to the true current",
                unit="A",
                low=-20.0,
                high=20.0,
                default=1.0,
            ),
            Parameter(
                name="gain_pct",
                meaning="of the true current, besides it",
                unit="%",
                low=-5.0,
                high=5.0,
                default=0.0,
            ),
        ),
        sim="terminals of the DUT",
        wire="terminals of the DUT's process",
        lab="source of some millivolts in the shunt's sense wires, for the offset",
    ),
    FaultKind(
        name="battery voltage misread",
        element=Element.VOLTAGE_SENSE,
        does="The DUT measures the batteries' voltage wrongly, or not at all: its wire is broken",
        parameters=(
            Parameter(
                name="gain_pct",
                meaning="of the true voltage, besides it; -100 is a broken wire",
                unit="%",
                low=-100.0,
                high=100.0,
                default=-100.0,
            ),
        ),
        sim="terminals of the DUT",
        wire="terminals of the DUT's process",
        lab="relay, or a resistor, in the DUT's sense wire",
    ),
    FaultKind(
        name="leakage to chassis",
        element=Element.BATTERY,
        does="A pole of a battery leaks to the chassis; its isolation measurement shows it",
        parameters=(
            Parameter(
                name="leakage_kohm",
                meaning="resistance of the leak",
                unit="kohm",
                low=0.1,
                high=10_000.0,
                default=50.0,
            ),
            Parameter(
                name="pole",
                meaning="which pole of the battery",
                default="positive",
                words=("positive", "negative"),
            ),
        ),
        lab="resistor between pole and chassis, by the relay box",
    ),
)

REACHING = Parameter(
    name="reaching",
    meaning="whether the cells are there at once, or follow the surroundings",
    default="cells",
    words=("cells", "surroundings"),
)

SURROUNDINGS = (
    FaultKind(
        name="fan blocked",
        element=Element.FAN,
        does="It is switched, but moves no air",
        lab="fan unplugged, by the relay box",
    ),
    FaultKind(
        name="cold soak",
        element=Element.AMBIENT,
        does="Everything is cold through and through; when it ends the cells warm by themselves",
        parameters=(
            Parameter(
                name="temperature_c",
                meaning="of the surroundings",
                unit="degC",
                low=-40.0,
                high=25.0,
                default=-10.0,
            ),
            REACHING,
        ),
        sim="plant and internal temperature of the DUT",
        lab=CHAMBER,
    ),
    FaultKind(
        name="hot soak",
        element=Element.AMBIENT,
        does="Everything is hot through and through; when it ends the cells cool by themselves",
        parameters=(
            Parameter(
                name="temperature_c",
                meaning="of the surroundings",
                unit="degC",
                low=25.0,
                high=85.0,
                default=50.0,
            ),
            REACHING,
        ),
        sim="plant and internal temperature of the DUT",
        lab=CHAMBER,
    ),
    FaultKind(
        name="humid battery",
        element=Element.BATTERY,
        does="The air inside a battery has this humidity",
        parameters=(
            Parameter(
                name="humidity_pct",
                meaning="relative humidity",
                unit="%",
                low=0.0,
                high=100.0,
                default=80.0,
            ),
        ),
        lab=SIMULATED_BATTERY,
    ),
    FaultKind(
        name="IO supply dip",
        element=Element.IO_SUPPLY,
        does="The supply at the IO connector falls to this voltage",
        parameters=(
            Parameter(
                name="voltage_v",
                meaning="that is left",
                unit="V",
                low=0.0,
                high=60.0,
                default=6.0,
            ),
            Parameter(
                name="duration_s",
                meaning="how long; left out: until it is cleared",
                unit="s",
                low=0.001,
                high=86_400.0,
                optional=True,
            ),
        ),
        sim="terminals of the DUT",
        wire="terminals of the DUT's process",
        lab="supply of its own at the IO connector",
    ),
    FaultKind(
        name="battery CAN cut",
        element=Element.BATTERY_CAN,
        does="A battery neither hears nor is heard on the private CAN bus",
        sim="bus",
        wire="hub",
        lab="relay in the battery's CAN wires",
    ),
    FaultKind(
        name="battery CAN disturbed",
        element=Element.BATTERY_CAN,
        does="What a battery sends on the private CAN bus is destroyed: it ends in error frames",
        sim="bus",
        wire="hub",
        lab=CAN_STRESS,
    ),
    FaultKind(
        name="master CAN disturbed",
        element=Element.MASTER_CAN,
        does="What the DUT sends on the private CAN bus is destroyed: it ends in error frames",
        sim="bus",
        wire="hub",
        lab=CAN_STRESS,
    ),
    FaultKind(
        name="battery supply cut",
        element=Element.BATTERY_PROCESSOR,
        does="A battery's electronics are without supply; when it is back they start anew",
        sim="supply of the model",
        wire="supply of the battery's process",
        lab="relay in the supply of the battery's electronics, or its service plug",
    ),
    FaultKind(
        name="balancer failed",
        element=Element.BALANCER,
        does="The converters that move charge between a battery's cells do not run",
        lab=SIMULATED_BATTERY,
    ),
)

INSIDE_DUT = (
    FaultKind(
        name="stalled loop",
        element=Element.DUT,
        does="The master's main loop does not go on: its watchdog has to notice",
        sim="test port of the model",
        wire="test port of the process",
        inside_dut=True,
    ),
    FaultKind(
        name="damaged memory",
        element=Element.DUT,
        does="A register of the master's memory is damaged, and the master restarts",
        parameters=(
            Parameter(name="register", meaning="which one", free=True),
            Parameter(
                name="how",
                meaning="other bits, all of FF up to full length, half of it, nothing",
                default="noise",
                words=("noise", "erased", "cut short", "missing"),
            ),
        ),
        sim="test port of the model",
        wire="test port of the process",
        inside_dut=True,
    ),
    FaultKind(
        name="failed self-test",
        element=Element.DUT,
        does="The self-test of the master's processor fails",
        sim="test port of the model",
        wire="test port of the process",
        inside_dut=True,
    ),
    FaultKind(
        name="Bluetooth link poor",
        element=Element.DUT,
        does="The serial line between master and Bluetooth module garbles what goes faster",
        parameters=(
            Parameter(
                name="clean_up_to_baud",
                meaning="the highest speed that gets through",
                unit="Bd",
                low=19_200.0,
                high=230_400.0,
                default=19_200.0,
            ),
        ),
        sim="serial line of the model",
        wire="serial line of the process",
        inside_dut=True,
    ),
    FaultKind(
        name="battery self-test failed",
        element=Element.BATTERY_PROCESSOR,
        does="The self-test of a battery's processor fails",
        sim="test port of the model",
        wire="test port of the battery's process",
        lab=SIMULATED_BATTERY,
        inside_dut=True,
    ),
)

FAULTS: tuple[FaultKind, ...] = (
    *SENSORS,
    *CELL_AGEING,
    *CIRCUIT,
    *SURROUNDINGS,
    *INSIDE_DUT,
)
