"""What an output may do under a permit, by readings that the guardian takes itself."""

from rig.safety.budget import Budget
from rig.safety.permits import Wish
from rig.safety.spec import Limits

WISH = Wish(role="charger", voltage_v=28.0, current_a=20.0)


def budget(**limits: float) -> Budget:
    made = Budget(Limits(**limits), 62.0, WISH)
    made.begin(WISH, 0)
    return made


def test_a_reading_inside_the_permit_is_no_breach():
    assert budget().read(100_000, 28.0, 20.0) is None


def test_more_current_than_permitted_is_a_breach_in_either_direction():
    assert budget().read(0, 28.0, 23.1) == "charger: 23.1 A, permitted 20 A"
    assert budget().read(0, 28.0, -23.1) == "charger: -23.1 A, permitted 20 A"
    assert budget().read(0, 28.0, 22.9) is None


def test_more_voltage_than_the_envelope_has_is_a_breach():
    assert budget().read(0, 68.3, 0.0) == "charger: 68.3 V, permitted 62 V"
    assert budget().read(0, 68.1, 0.0) is None


def test_energy_is_summed_over_permits_and_not_forgiven_by_a_new_one():
    spent = budget(energy_wh_max=1.0)  # 560 W take 6.4 s to it

    for second in range(1, 5):
        assert spent.read(1_000_000 * second, 28.0, 20.0) is None
    spent.begin(WISH, 5_000_000)
    told = [spent.read(1_000_000 * second, 28.0, 20.0) for second in range(5, 9)]

    assert told[:2] == [None, None]
    assert told[3] == "charger: 1.09 Wh, permitted 1 Wh"


def test_time_off_does_not_count():
    spent = budget(time_s_max=3.0)
    spent.read(0, 28.0, 1.0)
    spent.read(2_000_000, 28.0, 1.0)
    spent.pause()
    spent.begin(WISH, 60_000_000)

    assert spent.read(60_500_000, 28.0, 1.0) is None
    assert spent.read(61_400_000, 28.0, 1.0) is None
    assert spent.read(61_600_000, 28.0, 1.0) == "charger: on for 3 s, permitted 3 s"


def test_an_output_that_is_not_measured_for_long_is_a_breach():
    spent = budget(blind_s=2.0)

    assert spent.blind(1_900_000) is None
    assert spent.blind(2_100_000) == "charger: permitted, and not measured for 2 s"
    spent.read(2_000_000, 28.0, 1.0)
    assert spent.blind(2_100_000) is None


def test_what_is_no_number_is_a_breach():
    assert budget().read(0, 28.0, float("nan")) == "charger: nan A, permitted 20 A"
    assert budget().read(0, float("nan"), 0.0) == "charger: nan V, permitted 62 V"


def test_a_permit_for_less_leaves_a_second_to_follow_and_no_more():
    made = budget()
    less = Wish(role="charger", voltage_v=28.0, current_a=5.0)
    made.begin(less, 2_000_000)

    assert made.read(2_900_000, 28.0, 20.0) is None
    assert made.read(3_100_000, 28.0, 20.0) == "charger: 20 A, permitted 5 A"
