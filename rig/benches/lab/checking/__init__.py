"""`hil bench check`: a lab step by step, first with everything off, then by low energy.

`wiring_check` reads the file; `off` asks instruments, adapters and device who they are; `energy`
measures whether the wires are where the file says; `night` is about hours without anybody.
"""
