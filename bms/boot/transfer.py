"""One image on its way into the device: begun, block by block, complete. No I/O, no clock.

Nothing is stored before the image is whole and found good; then it is staged, and what is staged
is installed even if the power fails in between.
"""

from collections.abc import Callable, Mapping

from bms.boot.image import (
    HEAD_LENGTH,
    LONGEST,
    MASTER_PROCESSOR,
    Head,
    ImageRefused,
    Refusal,
    read_head,
    release_in,
)
from bms.firmware import Component

STAGED = "flash.staged"
PLACES: Mapping[Component, str] = {
    Component.MASTER: "flash.application",
    Component.BOOT_LOADER: "flash.boot_loader",
    Component.SECONDARY_BOOT_LOADER: "flash.secondary",
}
# An unknown name of a binary raises; a good one gives anything.
Knows = Callable[[str, Component], object]


class Transfer:
    """Takes one image at a time."""

    def __init__(self, knows: Knows) -> None:
        self._knows = knows
        self._head: Head | None = None
        self._content = b""
        self._block = 0

    @property
    def runs(self) -> bool:
        """Whether an image was begun, and is neither complete nor broken off."""
        return self._head is not None

    def begin(self, head: bytes, products: Callable[[int], bool]) -> None:
        """Take a head. Raises ImageRefused; nothing has changed then."""
        self.break_off()
        found = read_head(head)
        if not products(found.product_id):
            raise ImageRefused(Refusal.WRONG_PRODUCT)
        if found.processor != MASTER_PROCESSOR or found.component not in PLACES:
            raise ImageRefused(Refusal.WRONG_PROCESSOR)
        if not 0 < found.length <= LONGEST:
            raise ImageRefused(Refusal.LENGTH)
        self._head, self._content, self._block = found, b"", 1

    def block(self, number: int, data: bytes) -> None:
        """Take the next block, or the last one again. Raises ImageRefused."""
        if self._head is None:
            raise ImageRefused(Refusal.SEQUENCE)
        if number == self._block - 1 & 0xFF and self._content.endswith(data):
            return  # our answer was lost
        if number != self._block & 0xFF:
            raise ImageRefused(Refusal.SEQUENCE)
        if len(self._content) + len(data) > self._head.length:
            self.break_off()
            raise ImageRefused(Refusal.LENGTH)
        self._content += data
        self._block += 1

    def end(self) -> dict[str, bytes]:
        """The image is complete: what to store, so that it will be installed.

        Raises ImageRefused; nothing has changed then.
        """
        head, content = self._head, self._content
        self.break_off()
        if head is None:
            raise ImageRefused(Refusal.SEQUENCE)
        release = release_in(head, content)
        try:
            self._knows(release, head.component)
        except ValueError:
            raise ImageRefused(Refusal.CONTENT) from None
        return {STAGED: head.pack() + content}

    def break_off(self) -> None:
        """Forget what has come so far."""
        self._head, self._content, self._block = None, b"", 0


def install(registers: Mapping[str, bytes]) -> dict[str, bytes] | None:
    """The next step of installing what is staged: what to store; None when nothing is staged.

    First the place is erased, then written, then the staged image is done with. A step that was
    interrupted is done again. A boot loader is replaced in one write: without one nothing starts.
    """
    staged = registers.get(STAGED, b"")
    if not staged:
        return None
    head = read_head(staged[:HEAD_LENGTH])
    place, wanted = PLACES[head.component], release_in(head, staged[HEAD_LENGTH:]).encode()
    written = registers.get(place, b"")
    if written == wanted:
        return {STAGED: b""}
    at_once = written == b"" or head.component is Component.BOOT_LOADER
    return {place: wanted if at_once else b""}
