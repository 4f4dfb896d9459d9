"""Latches: files that stand while a bench is tripped, and keep it from being armed.

One for each instrument, named by its address as its lock is: the same laboratory under another
name, or from another clone, meets the same ones. They lie in a folder that outlives a reboot, which
is the user's own unless `HIL_LATCHES` names one that several users share.
"""

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

FOLDER = "HIL_LATCHES"


def latch_folder() -> Path:
    """Where latches stand."""
    if given := os.environ.get(FOLDER):
        return Path(given).absolute()
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else Path.home() / ".local" / "state") / "hil" / "tripped"


def latches_at(addresses: Iterable[str]) -> tuple[str, ...]:
    """The latches of the instruments at these addresses."""
    names = (
        hashlib.sha256(address.encode()).hexdigest()[:16] for address in sorted(set(addresses))
    )
    return tuple(str(latch_folder() / f"{name}.txt") for name in names)


def standing(latches: Iterable[str]) -> str:
    """Why nothing may be armed before a person has been there; empty: nothing stands."""
    for latch in latches:
        try:
            text = Path(latch).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:  # it may well stand
            return f"{latch}: {error.strerror}"
        return text.strip() or "it does not say why"
    return ""


def not_keepable(latches: Iterable[str]) -> str:
    """The folder in which a trip could not be kept for the next run; empty: it could."""
    for folder in {Path(latch).parent for latch in latches}:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                continue
        return str(folder)
    return ""


def latch(latches: Iterable[str], why: str) -> None:
    """Keep a trip for the next run."""
    for path in latches:
        with suppress(OSError):  # the bench is at rest all the same
            Path(path).write_text(f"{why}\n", encoding="utf-8")
