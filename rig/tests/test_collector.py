"""The garbage collector in a process that makes one bench after the other."""

import gc
import weakref

from rig.collector import seldom_collecting


class Circle:
    """What only the collector can see is gone."""

    def __init__(self) -> None:
        self.itself: object = self


def test_what_a_run_has_left_is_gone_when_the_next_begins() -> None:
    with seldom_collecting():
        seen = weakref.ref(Circle())
    with seldom_collecting():
        left = seen()

    assert left is None


def test_a_circle_through_what_was_there_before_the_run_is_gone_as_well() -> None:
    with seldom_collecting():
        pass
    before = Circle()
    seen = weakref.ref(before)
    with seldom_collecting():
        before.itself = [before]
    del before
    with seldom_collecting():
        left = seen()

    assert left is None


def test_afterwards_it_collects_as_before() -> None:
    before = gc.get_threshold()
    with seldom_collecting():
        pass

    assert gc.get_threshold() == before
