"""The plant of a simulated bench: a true battery system in pure, deterministic Python."""

from rig.plant.module import Module
from rig.plant.plant import Inrush, Plant
from rig.plant.spec import ModuleSpec, PlantSpec, PrechargeSpec

__all__ = ["Inrush", "Module", "ModuleSpec", "Plant", "PlantSpec", "PrechargeSpec"]
