"""Messages of the diagnostic tool: shaped like UDS, with identifiers of the project's own.

A request is a service byte and its data; the answer repeats the service plus 0x40, or is
7F, the service and a refusal code.
"""

READ, WRITE, READ_EVENTS = 0x22, 0x2E, 0x19
FIRMWARE, SERIAL, TOOL_RELEASE = 0xF189, 0xF18C, 0xF19A
SETTING_VALUE, SETTING_CHOICES, SETTING_EXPLANATION = 0x0100, 0x0200, 0x0300
BATTERY_TEMPERATURES, BATTERY_CELLS, BATTERY_TERMINALS = 0x0400, 0x0500, 0x0600

NOT_SUPPORTED, BAD_LENGTH, OUT_OF_RANGE, ACCESS_DENIED = 0x11, 0x13, 0x31, 0x33


def answer(service: int, data: bytes) -> bytes:
    """A positive answer."""
    return bytes((service + 0x40,)) + data


def refusal(service: int, code: int) -> bytes:
    """A negative answer."""
    return bytes((0x7F, service, code))
