"""What all SCPI drivers share: opening with identity, errors, and steps towards safety."""

from collections.abc import Awaitable, Callable

from instruments.exchange import urgently
from instruments.protocols import Identity, InstrumentError
from instruments.session import Session


class ScpiDriver:
    """A driver over a session; a model says which identities it accepts."""

    models: tuple[str, ...] = ()

    def __init__(self, session: Session) -> None:
        self.session = session

    async def open(self, *, serial: str | None = None) -> Identity:
        """Make sure that the instrument is this model, and of this serial number if given."""
        return await self.session.open(self.models, serial=serial)

    async def close(self) -> None:
        """Disconnect; the terminals stay as they are."""
        await self.session.close()

    async def identify(self) -> Identity:
        """Ask who it is."""
        return await self.session.identify()

    async def reset(self) -> None:
        """Bring it to its power-on settings."""
        await self.session.command("*RST")

    async def clear(self) -> None:
        """Forget errors and pending answers."""
        await self.session.clear()

    async def errors(self) -> list[str]:
        """Take the error queue, oldest first."""
        return await self.session.errors()

    async def alive(self) -> bool:
        """Whether it answers now."""
        try:
            await self.session.query("*STB?")
        except InstrumentError:
            return False
        return True


async def try_each(*steps: Callable[[], Awaitable[None]]) -> None:
    """Do every step towards safety, even after one failed, before all else that is asked.

    Raises the first failure, with notes of the others.
    """
    first: InstrumentError | None = None
    with urgently():
        for step in steps:
            try:
                await step()
            except InstrumentError as error:
                if first is None:
                    first = error
                else:
                    first.add_note(f"and then: {error}")
    if first is not None:
        raise first
