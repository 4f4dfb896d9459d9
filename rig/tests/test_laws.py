"""Each law of `scenarios.laws` can fail: a device with one room spoilt breaks it, by its name."""

from dataclasses import replace

import pytest

from bms.codes import State
from bms.rooms.contactor import Contactor
from bms.rooms.dvcc import Dvcc
from bms.rooms.permissions import Permissions
from bms.rooms.precharge import Precharge
from bms.rooms.soc import Soc
from bms.rooms.start_stop import TRANSITIONS, Event, StartStop
from scenarios.laws import HIGH_V, LOW_V, TOO_HIGH_V, LawBroken, WatchedDevice


@pytest.fixture
def device():
    devices = []

    def on(release="1.38"):
        devices.append(WatchedDevice(release))
        return devices[-1]

    yield on
    for each in devices:
        each.close()


def spoilt(monkeypatch, room, spoil):
    """Have a room's Status spoilt, whatever it is."""
    step = room.step
    monkeypatch.setattr(room, "step", lambda self, now_us, view: spoil(step(self, now_us, view)))


def high_cell(device):
    device.press()
    device.cell_reads(HIGH_V)
    device.wait_for_levels()


def low_cell(device):
    device.press()
    device.cell_reads(LOW_V)
    device.wait_for_levels()


def critical_cell(device):
    device.press()
    critical_cell_while_running(device)


def a_rest(device):
    device.press()
    device.rest()


def broken_off(device):
    for delay_s in (3.4, 3.6, 3.8, 4.0):
        device.press_again_after(delay_s)


PLAYS = {
    "a high cell": high_cell,
    "a low cell": low_cell,
    "a critical cell": critical_cell,
    "a rest": a_rest,
    "a start that is broken off": broken_off,
}


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
def test_a_sound_device_breaks_no_law(device, play):
    sound = device()

    play(sound)
    sound.put_right()

    assert not sound.known


def stays_closed(status):
    return status if status.closed else replace(status, closed=True)


def closes_at_once(status):
    return replace(status, done=True) if status.active else status


def test_fail_safe_with_a_closed_contactor_is_seen(device, monkeypatch):
    ill = device()
    ill.press()
    spoilt(monkeypatch, Contactor, stays_closed)

    with pytest.raises(LawBroken, match="fail-safe means that the contactor is open"):
        critical_cell_while_running(ill)


def critical_cell_while_running(device):
    device.cell_reads(TOO_HIGH_V)
    device.wait_for_levels()
    device.wait_for_levels()


def test_a_contactor_that_closes_onto_an_empty_bus_is_seen(device, monkeypatch):
    spoilt(monkeypatch, Precharge, closes_at_once)

    with pytest.raises(LawBroken, match="closes onto no bus that is below"):
        device().press()


def test_charge_above_the_charged_level_is_seen(device, monkeypatch):
    spoilt(monkeypatch, Permissions, lambda s: replace(s, charge_relay=True))

    with pytest.raises(LawBroken, match="no charge above the charged level"):
        high_cell(device())


def test_discharge_below_the_discharged_level_is_seen(device, monkeypatch):
    spoilt(monkeypatch, Permissions, lambda s: replace(s, discharge_relay=True))

    with pytest.raises(LawBroken, match="no discharge below the discharged level"):
        low_cell(device())


def test_a_limit_above_what_batteries_take_is_seen(device, monkeypatch):
    spoilt(
        monkeypatch, Dvcc, lambda s: replace(s, charge_current_a=1.1 * (s.charge_current_a or 0.0))
    )

    with pytest.raises(LawBroken, match="no limit exceeds the lowest"):
        a_rest(device())


def test_a_state_of_charge_that_moves_by_itself_is_seen(device, monkeypatch):
    creep = [0.0]

    def creeps(status):
        creep[0] += 0.05
        return replace(status, soc_pct=status.soc_pct - creep[0])

    spoilt(monkeypatch, Soc, creeps)

    with pytest.raises(LawBroken, match="the state of charge moves with"):
        a_rest(device())


def test_a_stop_request_without_effect_is_seen(device, monkeypatch):
    deaf = {k: v for k, v in TRANSITIONS.items() if k != (State.RUNNING, Event.BUTTON)}
    monkeypatch.setattr("bms.rooms.start_stop.TRANSITIONS", deaf)

    with pytest.raises(LawBroken, match="a stop request is taken"):
        device().press_again_after(8.0)


def test_a_state_that_the_table_does_not_know_is_seen(device, monkeypatch):
    spoilt(monkeypatch, StartStop, lambda s: s)
    ill = device()
    monkeypatch.setattr("scenarios.laws.STATES", frozenset({14}))

    with pytest.raises(LawBroken, match="in a state that the table knows"):
        ill.press()


def test_a_listed_defect_breaks_its_law_by_its_id_where_it_is_listed(device):
    ill = device("1.32")

    interrupted_while_precharging(ill)
    ill.put_right()

    assert ill.known == {"v1.33-03"}


def test_where_the_defect_is_mended_the_law_holds(device):
    sound = device("1.33")

    interrupted_while_precharging(sound)
    sound.put_right()

    assert not sound.known


def interrupted_while_precharging(device):
    for tenths in range(30, 50):
        device.press_again_after(tenths / 10)
