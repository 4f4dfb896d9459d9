"""A bench of real hardware: its file's own sections, its checks, and its rehearsal on twins."""
