"""Programmable supplies, loads and data acquisition: drivers, and twins that speak real SCPI."""
