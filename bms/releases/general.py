"""Statements about all releases; no release brought them."""

from bms.firmware import Basis, Change


class OneTool(
    Change,
    item="general-01",
    basis=Basis.STATED,
    exempt="a statement about the tool, on every release",
):
    """The Diagnostic tool takes the place of the Lynx Ion BMS Tool: it configures and updates every
    release.
    """


class SecondaryBootLoaderByTheToolOnly(
    Change,
    item="general-02",
    basis=Basis.STATED,
    exempt="a statement about the ways to update, on every release",
):
    """An update by VRM or from a VUP file leaves the secondary boot loader as it is; one by the
    tool brings it.
    """


class EveryReleaseSaysItsNumber(
    Change,
    item="general-03",
    basis=Basis.STATED,
    exempt="a statement about every release",
):
    """The document's VUP file holds V1.38, as each heading its own release: it installs, and the
    device then reports that number.
    """


CHANGES: tuple[type[Change], ...] = (
    OneTool,
    SecondaryBootLoaderByTheToolOnly,
    EveryReleaseSaysItsNumber,
)
