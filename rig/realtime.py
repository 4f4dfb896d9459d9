"""Real-time priority for programs that own a wall clock, where the system allows it."""

import os

PRIORITY = 10
"""Chosen: above everything ordinary, below the kernel's own threads."""


def come_first() -> str:
    """Run this process before all ordinary ones from now on; why not, or an empty text."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except (OSError, AttributeError) as error:
        return str(error)
    return ""
