"""Which instruments can have which role, and how a bench file names them: `Chroma 63206A-150-600`.

A simulated or wired bench has the twins that its plant was proven with; a lab has what it has.
"""

from instruments.models import MODELS, Kind, Model

# Not for a 24 V system under a current: a bench supply of 32 V and 3 A.
_TOO_SMALL = frozenset({"dp832"})
_KINDS: dict[str, frozenset[Kind]] = {
    "charger": frozenset({Kind.SUPPLY, Kind.BIDIRECTIONAL_SUPPLY}),
    "load": frozenset({Kind.LOAD}),
    "daq": frozenset({Kind.DAQ}),
    "chamber": frozenset({Kind.CHAMBER}),
}
_PROVEN = {"charger": "psb10000", "load": "chroma63206a", "daq": "daq970a"}
# A maker's short name, where a bench file has that.
_SHORT = {"EA Elektro-Automatik": "EA"}


def bench_name(model: Model) -> str:
    """Maker and title, as a bench file names a model."""
    return f"{_SHORT.get(model.maker, model.maker)} {model.title}"


def allowed_models(role: str, kind: str) -> tuple[str, ...]:
    """What can have a role on a bench of that kind."""
    if kind == "lab":
        fits = [m for m in MODELS if m.kind in _KINDS[role] and m.name not in _TOO_SMALL]
    else:
        fits = [m for m in MODELS if m.name == _PROVEN[role]]
    return tuple(bench_name(model) for model in fits)


def wired_model(name: str) -> Model:
    """The instrument that a bench file means. Raises StopIteration for one that nobody knows."""
    return next(model for model in MODELS if bench_name(model) == name)
