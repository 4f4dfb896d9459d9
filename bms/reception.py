"""Reception: which of the frames that arrive at a CAN port reach the firmware.

It belongs to every port alike, so it stands below the rooms that own one.
"""

from typing import Protocol


class ReceptionPolicy(Protocol):
    """Decides frame by frame; frames are asked about in the order of their arrival."""

    def keeps(self, time_us: int) -> bool:
        """Whether the frame that was complete at ``time_us`` is received."""
        ...


class EveryFrame:
    """The receive buffer is emptied in time."""

    def keeps(self, time_us: int) -> bool:
        """Every frame is kept."""
        return True
