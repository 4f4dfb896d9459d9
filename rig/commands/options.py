"""Options that several commands share."""

from typing import Annotated

import typer

Firmware = Annotated[str, typer.Option(help="Release under test: 1.38, v1.38 or v01.38.")]
BenchName = Annotated[str, typer.Option("--bench", help="Name of a bench, or its .toml file.")]
Seed = Annotated[int, typer.Option(help="Seed of all chance.", min=0)]
Only = Annotated[list[str] | None, typer.Option("--only", help="These ids only; repeatable.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; all cores.")]
