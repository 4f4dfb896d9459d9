"""Scenarios: one file a row of the catalogue, through terminals only."""
