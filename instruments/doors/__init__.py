"""Doors through which anyone's client reaches a twin: raw socket, HiSLIP, serial line.

A door owns wall-clock time; the twin behind it does not know that there is one.
"""

from instruments.doors.hislip import HislipDoor
from instruments.doors.pty_door import PtyDoor
from instruments.doors.pump import wall_us
from instruments.doors.socket_door import SocketDoor

__all__ = ["HislipDoor", "PtyDoor", "SocketDoor", "wall_us"]
