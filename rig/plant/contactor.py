"""The main contactor: a coil, contacts that follow it late and bounce, and an auxiliary contact.

It holds no clock: the plant asks for `next_event_us` and calls `switch` at that instant.
A fault overrides the coil from the moment it is set until it is repaired.
"""

from __future__ import annotations

from enum import StrEnum


class ContactorFault(StrEnum):
    """What keeps the contacts from following the coil."""

    NONE = "none"
    WELDED = "welded"
    STUCK_OPEN = "stuck open"


class Contact(StrEnum):
    """Where the main contacts are: touching is the first touch, bounced the gap after it."""

    OPEN = "open"
    TOUCHING = "touching"
    BOUNCED = "bounced"
    CLOSED = "closed"


CONDUCTS = frozenset({Contact.TOUCHING, Contact.CLOSED})


class Contactor:
    """Contacts that follow the coil after the mechanical delay, with one bounce when closing."""

    __slots__ = ("_bounce_us", "_close_us", "_moves", "_open_us", "coil", "contact", "fault")

    def __init__(self, close_us: int, open_us: int, bounce_us: int) -> None:
        self._close_us = close_us
        self._open_us = open_us
        self._bounce_us = bounce_us
        self._moves: list[tuple[int, Contact]] = []
        self.coil = False
        self.contact = Contact.OPEN
        self.fault = ContactorFault.NONE

    @property
    def next_event_us(self) -> int | None:
        """When the contacts move next, None if they are where the coil wants them."""
        return self._moves[0][0] if self._moves else None

    @property
    def conducts(self) -> bool:
        """Whether current can flow now; false in the gap of a bounce."""
        return self.contact in CONDUCTS

    @property
    def closed(self) -> bool:
        """Whether the armature is in; a bounce does not count as open."""
        return self.contact is not Contact.OPEN

    @property
    def aux_closed(self) -> bool:
        """The auxiliary contact: it follows the main contacts once they have settled."""
        return self.contact is Contact.CLOSED

    def set_coil(self, now_us: int, *, on: bool) -> None:
        """Switch the coil; a move that is under way towards the other side is called off."""
        if on == self.coil:
            return
        self.coil = on
        if self.fault is not ContactorFault.NONE:
            return
        self._moves.clear()
        if not on and self.contact is not Contact.OPEN:
            self._moves.append((now_us + self._open_us, Contact.OPEN))
        elif on and self.contact is Contact.OPEN:
            touch_us = now_us + self._close_us
            if self._bounce_us:
                self._moves.append((touch_us, Contact.TOUCHING))
                self._moves.append((touch_us + self._bounce_us, Contact.BOUNCED))
                self._moves.append((touch_us + 2 * self._bounce_us, Contact.CLOSED))
            else:
                self._moves.append((touch_us, Contact.CLOSED))
        elif on and self.contact is not Contact.CLOSED:
            self._moves.append((now_us + self._bounce_us, Contact.CLOSED))

    def switch(self) -> None:
        """Make the pending move; called at `next_event_us`."""
        _, self.contact = self._moves.pop(0)

    def break_down(self, fault: ContactorFault) -> None:
        """Set a fault, or NONE to repair; the contacts take their place at once."""
        self.fault = fault
        self._moves.clear()
        closed = self.coil if fault is ContactorFault.NONE else fault is ContactorFault.WELDED
        self.contact = Contact.CLOSED if closed else Contact.OPEN
