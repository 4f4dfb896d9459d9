"""The families of errors: the device, the arrangement, the bench; anything else is us."""


class Unmet(AssertionError):
    """The device broke a claim. Only `rig.expect` raises it.

    ``key`` names the expectation (file and line), so that two failures can be told to be the same.
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class NotReady(RuntimeError):
    """The arrangement before a claim did not come about: an error of ours, never a kill."""


class BenchError(RuntimeError):
    """The rig failed."""


class BenchFileError(BenchError):
    """A bench file that cannot be used; the message names file, field and what is allowed."""


class NotOnThisBench(BenchError):
    """What a scenario needs is not on this bench."""


class NoSupplyRelay(NotOnThisBench):
    """No relay is in the device's supply: somebody would have to pull a plug."""


class NotWritten(RuntimeError):
    """A scenario that is a skeleton still: nobody has written what it claims."""


class FaultRefused(BenchError, ValueError):
    """A fault that cannot be inserted as it is asked for; the message names what is allowed."""
