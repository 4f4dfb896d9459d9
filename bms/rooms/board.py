"""The board: the hardware that the firmware finds itself on, and whether it knows it."""

from bms.data import boards
from bms.firmware import Firmware, Room, TableSlot
from bms.status import BoardStatus, View

# Public: one firmware serves all models under this id, and the family's own ids follow it.
GENERIC_PRODUCT_ID = 0xA390


class Board(Room):
    """Tells the product by its board's code; one that it does not know it cannot measure with."""

    known = TableSlot[int, int](boards())  # code -> product id

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._status: BoardStatus | None = None

    def step(self, now_us: int, view: View) -> BoardStatus:
        """The same from power-on on."""
        if self._status is None:
            product_id = self.known.get(view.hardware.board)
            self._status = BoardStatus(
                known=product_id is not None,
                product_id=GENERIC_PRODUCT_ID if product_id is None else product_id,
            )
        return self._status
