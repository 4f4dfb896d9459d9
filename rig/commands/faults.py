"""`hil bench faults`: what can be broken, and which bench can insert it how."""

import json
from typing import Annotated

import typer
from rich.console import Console

from rig.faults import FAULTS, FaultKind, Parameter

out = Console()


def bench_faults(
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """The faults that a scenario can insert, and which bench can insert them how."""
    if as_json:
        print(json.dumps([_described(kind) for kind in FAULTS]))  # noqa: T201
        return
    rows: list[tuple[str, ...]] = [
        ("fault", "on", "parameters", "sim", "wire", "lab", "what it does")
    ]
    rows += [
        (
            kind.name,
            ", ".join(kind.places) or str(kind.element),
            ", ".join(_in_words(parameter) for parameter in kind.parameters) or "-",
            *("yes" if how else "no" for how in (kind.sim, kind.wire, kind.lab)),
            kind.does,
        )
        for kind in FAULTS
    ]
    # Columns as wide as they must be: what is cut off cannot be typed.
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        out.print("  ".join(cells).rstrip(), markup=False, highlight=False, soft_wrap=True)


def _in_words(parameter: Parameter) -> str:
    if parameter.default is not None:
        default = parameter.default
        usual = f" ({default:g})" if isinstance(default, float) else f" ({default})"
    else:
        usual = " (may be left out)" if parameter.optional else ""
    return f"{parameter.name} {parameter.allowed}{usual}"


def _described(kind: FaultKind) -> dict[str, object]:
    return {
        "name": kind.name,
        "element": str(kind.element),
        "places": list(kind.places),
        "does": kind.does,
        "inside_dut": kind.inside_dut,
        "parameters": [
            {
                "name": parameter.name,
                "meaning": parameter.meaning,
                "unit": parameter.unit,
                "allowed": parameter.allowed,
                "default": parameter.default,
                "optional": parameter.optional,
            }
            for parameter in kind.parameters
        ],
        "benches": {"sim": kind.sim, "wire": kind.wire, "lab": kind.lab},
    }
