"""Twins: a model's real command set in front of electrical terminals, one model a file."""
