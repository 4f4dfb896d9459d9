"""Codes that rooms tell each other and the outside: states, errors, notices, what is tracked.

Numbers are public where the communication guide has them; each says so.
"""

from enum import IntEnum, StrEnum


class State(IntEnum):
    """The state register 0x0371, with the values of the communication guide."""

    INITIALISING = 4
    MEASURING = 5
    RUNNING = 9
    ERROR = 10
    SHUTTING_DOWN = 12
    UPDATING_BATTERY = 13
    STANDBY = 14
    GOING_TO_RUN = 15
    PRE_CHARGING = 16


class Error(IntEnum):
    """The error register 0x2101: an event of the log has the same number."""

    NONE = 0
    NO_BATTERY = 2
    DIFFERENT_TYPES = 4
    WRONG_NUMBER = 5
    MEASURE = 7
    HARDWARE = 11
    WATCHDOG = 12
    OVER_VOLTAGE = 13
    UNDER_VOLTAGE = 14
    OVER_TEMPERATURE = 15
    UNDER_TEMPERATURE = 16
    UNDER_CHARGE_STANDBY = 18  # switched off to protect the battery; no fail-safe
    BATTERY_SILENT = 23
    PRE_CHARGE = 25
    CONTACTOR = 26
    OVER_CURRENT = 27
    UPDATE_FAILED = 28  # of a battery
    UPDATE_UNAVAILABLE = 29
    INTERLOCK = 37
    EMERGENCY_STOP = 38
    COMMUNICATION_TIMEOUT = 39
    SAFETY_LOCK = 40
    TERMINAL_OVER_TEMPERATURE = 41


class Notice(IntEnum):
    """Events that are no errors: numbers of the project's own, above all public errors."""

    CHARGER_DETECTED = 64
    FUSE_BROKEN = 65
    CELL_VOLTAGE_DEVIATION = 66
    CELL_TEMPERATURE_DEVIATION = 67
    SERVICE = 68
    SYSTEM_VOLTAGE = 69
    MEASUREMENTS_INVALID = 70
    HOT_INSIDE = 71
    BATTERY_CURRENT = 72
    BALANCER = 73
    HUMIDITY = 74
    BATTERY_COUNT = 75
    LEAKAGE = 76
    OVERLOAD = 80
    SELF_TEST_FAILED = 81  # of a battery's processor
    PRIVATE_BUS_OFF = 82


class Tracked(IntEnum):
    """What is kept of all times; numbers and units are the project's own."""

    DEEPEST_DISCHARGE_AH = 1
    CHARGE_DRAWN_AH = 2
    VOLTAGE_V_MIN = 3
    VOLTAGE_V_MAX = 4
    DISCHARGED_KWH = 5
    CHARGED_KWH = 6
    TEMPERATURE_C_MAX = 7
    TEMPERATURE_C_MIN = 8
    CELL_VOLTAGE_V_MIN = 9
    CELL_VOLTAGE_V_MAX = 10
    CURRENT_A_MAX = 11
    CURRENT_A_MIN = 12
    ERROR_SHUTDOWNS = 13


class Today(IntEnum):
    """What a daily summary holds; numbers and units are the project's own."""

    TEMPERATURE_C_MEAN = 1
    DISCHARGED_KWH = 2
    CHARGED_KWH = 3
    CHARGE_CURRENT_A_MAX = 4
    DISCHARGE_CURRENT_A_MAX = 5
    SYSTEM_VOLTAGE_V_MAX = 6
    SYSTEM_VOLTAGE_V_MIN = 7


class Reason(StrEnum):
    """Why charging or discharging is, or is not, allowed."""

    ALLOWED = "allowed"
    NOT_RUNNING = "not running"
    REACHED = "level reached"
    ENERGY = "energy to move first"
    OTHERS = "others start"
    TEMPERATURE = "temperature"
    RECOVERING = "cells recovering"


class Ending(StrEnum):
    """By what a running system was stopped."""

    NOBODY = "nobody"  # it has not run, or stopped by itself
    BUTTON = "start/stop button"
    COMMAND = "command by VE.Can"
