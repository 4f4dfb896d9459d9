"""The CAN hub: buses that live in a process of their own, for everybody who wants to be on them.

`wire`: one bus in wall time, by the simulated bus's own rules. `hub`: buses and members without
I/O. `server`: the sockets. `records`, `requests`: what our processes speak; `socketcand`: what
anyone's tools speak. `client`: our processes' end; `interface`: the same for python-can.
"""
