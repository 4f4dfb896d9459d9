"""Checks of the project's own rules that no linter knows; run by `make check`."""
