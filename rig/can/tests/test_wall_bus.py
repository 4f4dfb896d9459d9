"""What a bus on the wall clock keeps of what it saw."""

from rig.can.wall_bus import WallBus
from rig.kernel import Kernel


def test_a_bus_with_nothing_but_error_frames_keeps_ten_seconds_of_them():
    kernel = Kernel()
    bus = WallBus(kernel, "ve_can", 250_000)

    for time_us in range(0, 60_000_000, 10_000):
        bus._saw_error_frame(time_us)

    assert bus.errors_total == 6_000
    assert len(bus._busy) == 1_001
    kernel.now_us = 60_000_000
    assert bus.load_pct(1_000_000) > 0.0
