"""A long bus: who samples too early, and what that does to everybody's frames."""

import pytest

from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.can.line import misread_share, settled_us
from rig.can.node import ControllerState
from rig.kernel import Kernel, seconds

BITRATE = 250_000


def run(kernel: Kernel, for_us: int) -> None:
    """Let so much time pass."""
    kernel.run(kernel.now_us + for_us, lambda: False)


def test_a_level_settles_later_on_a_longer_bus_with_more_nodes() -> None:
    assert settled_us(10, 3) < settled_us(200, 3) < settled_us(200, 26)


def test_a_bit_sampled_as_it_settles_is_misread_half_of_the_time() -> None:
    assert misread_share(2.5, 2.5) == pytest.approx(0.5)


def test_a_bit_sampled_well_after_it_has_settled_is_never_misread() -> None:
    assert misread_share(3.5, 2.5) == 0.0


def errors(length_m: float, *sample_points_pct: float, frames: int = 300) -> int:
    """How many error frames so many frames of the first of these nodes meet."""
    kernel = Kernel(seed=7)
    bus = Bus(kernel, "bus", BITRATE, length_m)
    nodes = [bus.attach(str(i), lambda _t, _f: None) for i in range(len(sample_points_pct))]
    for node, sample_point_pct in zip(nodes, sample_points_pct, strict=True):
        node.sample_point_pct = sample_point_pct
    for _ in range(frames):
        nodes[0].send(Frame(0x18F00000, bytes(8), True))
        run(kernel, 5_000)
    assert nodes[0].pending == 0
    return bus.errors_total


def test_a_short_bus_forgives_an_early_sample() -> None:
    assert errors(10, 62.5, 62.5, 87.5) == 0


def test_a_long_bus_does_not() -> None:
    assert 0 < errors(216, 87.5, 62.5, 87.5) < 60


def test_a_late_sample_reads_a_long_bus_well() -> None:
    assert errors(216, 87.5, 75.0, 87.5) == 0


def test_errors_end_when_the_node_that_samples_too_early_is_unplugged() -> None:
    kernel = Kernel(seed=7)
    bus = Bus(kernel, "bus", BITRATE, 216)
    sender, early, _ = (bus.attach(name, lambda _t, _f: None) for name in ("a", "b", "c"))
    early.sample_point_pct = 62.5
    early.detach()
    for _ in range(300):
        sender.send(Frame(0x18F00000, bytes(8), True))
        run(kernel, 5_000)

    assert bus.errors_total == 0


def test_a_node_whose_frames_are_destroyed_goes_bus_off_and_the_others_go_on() -> None:
    kernel = Kernel(seed=7)
    bus = Bus(kernel, "bus", BITRATE)
    heard = []
    hit, other = bus.attach("hit", None), bus.attach("other", None)
    bus.attach("listener", lambda _t, frame: heard.append(frame))
    hit.disturb(True)
    hit.send(Frame(0x18F00000, bytes(8), True))
    for _ in range(50):
        other.send(Frame(0x18F00001, bytes(8), True))
        run(kernel, 5_000)

    assert hit.state is ControllerState.BUS_OFF
    assert bus.errors_total == 32  # 8 each, up to more than 255
    assert len(heard) == 50

    hit.disturb(False)
    hit.recover()
    run(kernel, seconds(1))
    hit.send(Frame(0x18F00000, bytes(8), True))
    run(kernel, seconds(1))
    assert len(heard) == 51
