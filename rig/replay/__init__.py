"""Logs from the field: read, understood, played to the firmware, located among the releases.

`log`: what a log is, and `open_log`. `sides`: who is who in it. `importing`, `ordering`, `formats`:
how it is read.
"""
