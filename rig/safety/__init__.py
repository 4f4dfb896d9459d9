"""Safety: what an output may do, and how a bench gets back to its safe state."""
