"""What a guardian did, a JSON line each, beside the record of the attempt that it guarded."""

import json
import os
import sys
from contextlib import suppress
from typing import Any

from rig.clock import monotonic_us, utc_now


def note(path: str, did: str, **told: Any) -> None:
    """Add a line; on a full disk it goes to the standard error, and nothing else stops."""
    line = json.dumps({"utc": utc_now(), "t_us": monotonic_us(), "did": did, **told}) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        with suppress(OSError):
            print(f"{error}: {line}", file=sys.stderr, end="")  # noqa: T201
