"""Drivers: one instrument model a file, the same on every bench."""
