"""Priorities where the system allows them."""

import os

from rig.realtime import favoured


def test_who_is_favoured_is_so_until_it_leaves():
    before = os.getpriority(os.PRIO_PROCESS, 0)
    may = os.geteuid() == 0

    with favoured():
        inside = os.getpriority(os.PRIO_PROCESS, 0)

    assert inside == (-5 if may else before)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
