"""Proofs that a check can fail, and that what must hold does: mutants, kills."""
