"""Statements about all releases; no release brought them."""

from bms.firmware import Change

CHANGES: tuple[type[Change], ...] = ()
