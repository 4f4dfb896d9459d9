"""How settings were once loaded."""

from bms.port_status import TEXT_LENGTH


def as_it_is(raw: bytes) -> str:
    """Before 1.33: a stored text is told byte by byte, whatever the memory holds."""
    return raw[:TEXT_LENGTH].split(b"\0")[0].decode("latin-1")
