"""Bytes to messages and back: pure functions and frozen messages, no state."""
