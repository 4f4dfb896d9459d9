"""What warnings were once given by."""

from bms.data import Hardware
from bms.status import Battery

LARGEST_A = 1000.0  # chosen: the largest model's


def of_no_battery(battery: Battery) -> bool:
    """Before 1.19: nobody asked for terminal sensors."""
    return False


def of_every_battery(battery: Battery) -> bool:
    """1.19 to 1.21: also one that never had a sensor was missed one."""
    return True


def of_the_largest_model(hardware: Hardware) -> float:
    """Before 1.24: whatever the model."""
    return LARGEST_A
