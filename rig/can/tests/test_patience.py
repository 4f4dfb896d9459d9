"""Frames that nobody has to hear at once cost no events, and come at the same times."""

import random

import pytest

from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.kernel import Kernel, milliseconds, seconds

END = seconds(2)


def frame(identifier: int, *data: int) -> Frame:
    return Frame(identifier, bytes(data) or bytes(8))


class Scene:
    """Three senders, one receiver; everything that comes is written down."""

    def __init__(self, *, patient: bool, seed: int = 0) -> None:
        self.kernel = Kernel()
        self.bus = Bus(self.kernel, "bus", 250_000)
        self.seen: list[tuple[int, str, Frame]] = []
        self.heard: list[tuple[int, Frame]] = []
        self.bus.watch(lambda t, name, f: self.seen.append((t, name, f)), patient=patient)
        self.receiver = self.bus.attach("receiver", lambda t, f: self.heard.append((t, f)))
        self.receiver.patient = patient
        self.senders = [self.bus.attach(f"s{i}", None) for i in range(3)]
        self.dice = random.Random(seed)

    def bursts(self) -> None:
        """Bursts of one to five frames at random times, often into one another."""
        for _ in range(300):
            sender = self.dice.choice(self.senders)
            count = self.dice.randint(1, 5)
            base = self.dice.randrange(0x18F00000, 0x18F0FF00)
            frames = [
                frame(base + 16 * i + self.senders.index(sender), *[i] * self.dice.randint(1, 8))
                for i in range(count)
            ]
            at_us = self.dice.randrange(END - milliseconds(100))
            self.kernel.at(at_us, lambda s=sender, f=frames: s.send_all(f))

    def run(self) -> None:
        self.kernel.run(END, lambda: False)
        self.bus.catch_up()


@pytest.mark.parametrize("seed", range(20))
def test_patient_and_eager_ears_hear_the_same_at_the_same_times(seed):
    scenes = [Scene(patient=patient, seed=seed) for patient in (True, False)]
    for scene in scenes:
        scene.bursts()
        scene.run()

    patient, eager = scenes
    assert len(eager.seen) > 300
    assert patient.seen == eager.seen
    assert patient.heard == eager.heard
    assert patient.bus.load_pct(seconds(2)) == eager.bus.load_pct(seconds(2))


def test_an_eager_listener_among_patient_ones_hears_a_frame_at_its_end():
    scene = Scene(patient=True)
    when = []
    scene.bus.attach("eager", lambda t, f: when.append((t, scene.kernel.now_us)))
    scene.senders[0].send_all([frame(0x18F00000), frame(0x18F00010)])

    scene.run()

    assert len(when) == 2
    assert all(ended_us == now_us for ended_us, now_us in when)


def test_a_train_gives_way_to_a_frame_of_higher_priority():
    scene = Scene(patient=True)
    scene.senders[0].send_all([frame(0x18F00000 + i) for i in range(4)])
    scene.kernel.at(milliseconds(1), lambda: scene.senders[1].send(frame(0x0CF00000)))

    scene.run()

    order = [f.identifier for _, _, f in scene.seen]
    assert order == [0x18F00000, 0x18F00001, 0x0CF00000, 0x18F00002, 0x18F00003]


def test_frames_out_of_their_order_are_arbitrated():
    scene = Scene(patient=True)
    scene.senders[0].send_all([frame(0x18F00010), frame(0x18F00000)])

    scene.run()

    assert [f.identifier for _, _, f in scene.seen] == [0x18F00000, 0x18F00010]


def test_a_disturbance_hits_a_train_under_way():
    scene = Scene(patient=True)
    errors: list[str] = []
    scene.bus.watch_errors(lambda _t, text: errors.append(text))
    scene.senders[0].send_all([frame(0x18F00000 + i) for i in range(4)])
    scene.kernel.at(milliseconds(1), lambda: scene.bus.disturb(milliseconds(1)))

    scene.run()

    assert errors
    assert len(scene.seen) == 4  # all of them in the end
    assert scene.seen[-1][0] > milliseconds(3)


def test_a_train_of_a_node_that_leaves_the_wire_is_cut():
    scene = Scene(patient=True)
    scene.senders[0].send_all([frame(0x18F00000 + i) for i in range(4)])
    scene.kernel.at(milliseconds(1), scene.senders[0].sleep)

    scene.run()

    assert len(scene.seen) <= 2
    assert scene.senders[0].pending == 0
