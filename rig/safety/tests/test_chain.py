"""The interlock as wires: what it holds off, and when it says something happened."""

from rig.safety.chain import Chain, Sensing


class Stage:
    def __init__(self) -> None:
        self.on = False
        self.on_change = None

    def switch(self, on: bool) -> None:
        self.on = on
        if self.on_change is not None:
            self.on_change()


class Nothing:
    def read_v(self, channel: int) -> float:
        return 7.0


def wired():
    charger, load, coil = Stage(), Stage(), []
    clock = iter(range(100))
    chain = Chain([("charger", charger), ("load", load)], coil.append, lambda: next(clock))
    return chain, charger, load, coil


def test_no_output_goes_on_before_the_relay_is_closed():
    chain, charger, _, _ = wired()

    charger.switch(True)
    assert not charger.on

    chain.drive(201, True)
    charger.switch(True)
    assert charger.on


def test_opening_the_relay_switches_every_output_off():
    chain, charger, load, coil = wired()
    chain.drive(201, True)
    charger.switch(True)
    load.switch(True)

    chain.drive(201, False)

    assert not charger.on
    assert not load.on
    assert coil == [True, False]


def test_another_relay_does_nothing():
    chain, _, _, coil = wired()

    chain.drive(202, True)

    assert not chain.closed
    assert coil == []


def test_the_stop_opens_the_chain_whatever_the_relay_does():
    chain, charger, _, _ = wired()
    chain.drive(201, True)
    charger.switch(True)

    chain.press(True)

    assert not charger.on
    chain.drive(201, True)
    assert not chain.closed


def test_each_change_of_an_output_has_its_moment():
    chain, charger, _, _ = wired()
    chain.drive(201, True)
    charger.switch(True)
    charger.switch(True)
    chain.drive(201, False)

    assert [(one.what, one.on) for one in chain.moments] == [
        ("interlock", True),
        ("charger", True),
        ("interlock", False),
        ("charger", False),
    ]
    times = [one.time_us for one in chain.moments]
    assert times == sorted(times)


def test_what_hears_of_a_stages_changes_already_still_does():
    charger, heard = Stage(), []
    charger.on_change = lambda: heard.append(charger.on)
    chain = Chain([("charger", charger)])
    chain.drive(201, True)

    charger.switch(True)

    assert heard == [True]


def test_the_multiplexer_sees_the_chain_and_the_current_and_all_else_as_before():
    chain, *_ = wired()
    sensing = Sensing(Nothing(), chain, lambda: 20.0)

    assert sensing.read_v(320) == 24.0
    assert sensing.read_v(319) == 0.2
    assert sensing.read_v(301) == 7.0
    chain.press(True)
    assert sensing.read_v(320) == 0.0
