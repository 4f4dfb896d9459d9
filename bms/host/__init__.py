"""The firmware in the world: wall clock, python-can, a harness of wires, a file for its memory.

The only room of `bms` that knows a clock or a socket.
"""
