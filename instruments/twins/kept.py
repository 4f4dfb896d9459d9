"""Settings that an instrument keeps by name: set, asked, reset, saved and recalled.

A model declares each as a command. After a change it is told the name and looks at all values, so
that reset and recall need no path of their own.
"""

from collections.abc import Callable

from instruments.scpi import Boolean, Choice, Command, Extreme, Number, Parameter, ScpiError
from instruments.twins.stage_parts import to_step

ALL = "all"  # The name given after a reset or a recall.

Value = float | bool | str
Show = Callable[[float], str]


class Kept:
    """What is set now, what a reset makes of it, and the stores of *SAV."""

    def __init__(
        self, changed: Callable[[str], None], *, show: Show, tail: tuple[Parameter, ...] = ()
    ) -> None:
        """`tail` stands behind the parameters of each command, as an optional channel list."""
        self._changed = changed
        self._show = show
        self._tail = tail
        self._resets: dict[str, Value] = {}
        self._values: dict[str, Value] = {}
        self._stores: dict[int, dict[str, Value]] = {}

    def number(self, name: str) -> float:
        """A number that is set."""
        return float(self._values[name])

    def flag(self, name: str) -> bool:
        """A switch that is set."""
        return bool(self._values[name])

    def word(self, name: str) -> str:
        """A choice that is set, in its short form."""
        return str(self._values[name])

    def put(self, name: str, value: Value) -> None:
        """Change a value without telling the model."""
        self._values[name] = value

    def to_reset(self, *names: str) -> None:
        """Give some values their reset values without telling the model."""
        for name in names:
            self._values[name] = self._resets[name]

    def reset(self) -> None:
        """Give all values their reset values."""
        self._values = dict(self._resets)
        self._changed(ALL)

    def save(self, store: int) -> None:
        """Remember all values."""
        self._stores[store] = dict(self._values)

    def recall(self, store: int) -> None:
        """Set all values as they were saved. Raises ScpiError if nothing was."""
        if store not in self._stores:
            raise ScpiError(-200)
        self._values = dict(self._stores[store])
        self._changed(ALL)

    # Declarations.

    def keep_number(
        self,
        header: str,
        name: str,
        number: Number,
        *,
        step: float = 0.0,
        show: Show | None = None,
        permit: Callable[[float], None] | None = None,
    ) -> Command:
        """A number with a resolution; `permit` raises ScpiError for what cannot be set now."""
        self._declare(name, number.default or 0.0)
        shown = show or self._show

        def store(value: float, *_: object) -> None:
            if permit is not None:
                permit(value)
            self._store(name, to_step(value, step))

        def query(bound: float | None, *_: object) -> str:
            return shown(self.number(name) if bound is None else bound)

        return Command(
            header,
            set=store,
            query=query,
            params=(number, *self._tail),
            query_params=(Extreme(number), *self._tail),
        )

    def keep_flag(self, header: str, name: str, *, default: bool = False) -> Command:
        """A switch that is answered as 1 or 0."""
        self._declare(name, default)
        return Command(
            header,
            set=lambda value, *_: self._store(name, value),
            query=lambda *_: str(int(self.flag(name))),
            params=(Boolean(), *self._tail),
            query_params=self._tail,
        )

    def keep_choice(
        self,
        header: str,
        name: str,
        of: tuple[str, ...],
        *,
        show: Callable[[str], str] = str,
        permit: Callable[[str], None] | None = None,
    ) -> Command:
        """One of several words, the first after a reset."""
        self._declare(name, "".join(c for c in of[0] if not c.islower()))

        def store(value: str, *_: object) -> None:
            if permit is not None:
                permit(value)
            self._store(name, value)

        return Command(
            header,
            set=store,
            query=lambda *_: show(self.word(name)),
            params=(Choice(of=of), *self._tail),
            query_params=self._tail,
        )

    def _declare(self, name: str, value: Value) -> None:
        self._resets[name] = self._values[name] = value

    def _store(self, name: str, value: Value) -> None:
        self._values[name] = value
        self._changed(name)
