"""Today: what the newest firmware does, one subsystem a file. No room knows history or another."""
