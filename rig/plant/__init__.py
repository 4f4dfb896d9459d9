"""The plant of a simulated bench: a true battery system in pure, deterministic Python."""

from rig.plant.dc_bus import DcBus
from rig.plant.fuse import FuseSpec
from rig.plant.module import Module
from rig.plant.plant import Inrush, Plant
from rig.plant.spec import ModuleSpec, PlantSpec, PrechargeSpec

__all__ = [
    "DcBus",
    "FuseSpec",
    "Inrush",
    "Module",
    "ModuleSpec",
    "Plant",
    "PlantSpec",
    "PrechargeSpec",
]
