"""Who may speak through a HiSLIP door: exclusive and shared locks, as VISA has them.

Whoever holds the exclusive lock speaks alone; while a lock is only shared, its holders do.
"""

import asyncio

RELEASE, REQUEST = 0, 1
FAILED, GRANTED, SHARED_RELEASED, WRONG = 0, 1, 2, 3


class Locks:
    """The locks of one door; a holder is any object that stands for a client."""

    def __init__(self) -> None:
        self._exclusive: object | None = None
        self._sharers: set[object] = set()
        self._key = b""
        self._freed = asyncio.Condition()

    @property
    def holders(self) -> int:
        """How many clients hold a lock."""
        return len(self._sharers | ({self._exclusive} - {None}))

    @property
    def exclusive(self) -> bool:
        """Whether one client holds the exclusive lock."""
        return self._exclusive is not None

    def may_speak(self, who: object) -> bool:
        """Whether nobody else's lock keeps this client silent."""
        if self._exclusive is not None:
            return self._exclusive is who
        return not self._sharers or who in self._sharers

    async def wait_to_speak(self, who: object) -> None:
        """Return once no other's lock is in the way."""
        async with self._freed:
            await self._freed.wait_for(lambda: self.may_speak(who))

    async def request(self, who: object, key: bytes, timeout_s: float) -> int:
        """Ask for the exclusive lock, or with a key for one that is shared; the answer's code."""
        if self._exclusive is who or (key and who in self._sharers):
            return WRONG

        def is_free() -> bool:
            if self._exclusive is not None or (key and self._sharers and key != self._key):
                return False
            # The exclusive lock comes on top of shared ones only for one of their holders.
            return bool(key) or not self._sharers or who in self._sharers

        try:
            async with asyncio.timeout(timeout_s), self._freed:
                await self._freed.wait_for(is_free)
        except TimeoutError:
            if not is_free():
                return FAILED
        if key:
            self._sharers.add(who)
            self._key = key
        else:
            self._exclusive = who
        return GRANTED

    async def release(self, who: object) -> int:
        """Give one lock back, the exclusive one first; the answer's code."""
        if self._exclusive is who:
            self._exclusive, code = None, GRANTED
        elif who in self._sharers:
            self._sharers.remove(who)
            code = SHARED_RELEASED
        else:
            return WRONG
        await self._announce()
        return code

    async def forget(self, who: object) -> None:
        """Give back whatever a client who left was holding."""
        while await self.release(who) != WRONG:
            pass

    async def _announce(self) -> None:
        async with self._freed:
            self._freed.notify_all()
