"""The device's memory in a file: whole at every instant, whoever is killed when."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


class BadMemoryFile(ValueError):
    """A file that holds no memory of a device."""


class Store:
    """Registers, name to raw bytes, as a JSON object of hexadecimal texts; no file: not kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def load(self) -> dict[str, bytes]:
        """What was stored; nothing where there is no file yet. Raises BadMemoryFile."""
        if self._path is None or not self._path.exists():
            return {}
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): bytes.fromhex(text) for name, text in found.items()}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise BadMemoryFile(
                f"{self._path}: {error}; allowed: an object of register names and hexadecimal bytes"
            ) from error

    def save(self, registers: Mapping[str, bytes]) -> None:
        """Replace the file: the old one or the new one is there, never half of one."""
        if self._path is None:
            return
        text = json.dumps({name: raw.hex() for name, raw in sorted(registers.items())}, indent=1)
        beside = self._path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
