"""A display on NMEA 2000 and the whole device: addresses, instances, what it tells of itself."""

from rig.alone import bench_alone, in_virtual_time
from rig.bench import Bench
from rig.can.encode import DeviceName, address_claim
from rig.kernel import seconds

CLAIM, BATTERY, DETAILED, CONFIGURATION = 60928, 127508, 127506, 126998
LOWEST = DeviceName(unique=0, manufacturer=0, function=0, device_class=0)


async def name_of(bench: Bench) -> int:
    """The device's NAME, by its claim."""
    claims = []
    bench.ve_can.sniff(lambda _, frame: claims.append(frame))
    await bench.display.ask(CLAIM)
    own = 0x18EEFF00 | bench.gx.device_address
    (data,) = {frame.data for frame in claims if frame.identifier == own}
    return int.from_bytes(data, "little")


@in_virtual_time
async def test_a_lower_name_drives_the_device_away_and_it_is_found_again() -> None:
    async with bench_alone("1.38") as bench:
        await bench.running()
        bench.ve_can.send(address_claim(0x50, LOWEST))
        await bench.wait(seconds(1))

        assert bench.gx.device_address == 0x51
        told = await bench.gx.request(0x0102)
        assert told is not None
        assert told.source == 0x51


@in_virtual_time
async def test_a_commanded_address_is_taken_and_the_device_goes_on_from_there() -> None:
    async with bench_alone("1.38") as bench:
        await bench.running()
        await bench.display.move(await name_of(bench), 0x33)
        await bench.wait(seconds(2))

        battery = await bench.display.ask(BATTERY)
        assert battery is not None
        assert battery.source == bench.gx.device_address == 0x33
        assert await bench.tool.firmware() == "1.38"


@in_virtual_time
async def test_a_data_instance_holds_for_all_messages_of_the_battery_over_a_power_cycle() -> None:
    async with bench_alone("1.38") as bench:
        await bench.running()
        taken = await bench.display.command(BATTERY, (1, b"\xe0"))
        assert taken is not None
        assert [each["parameter"] for each in taken.sets] == [0]
        await bench.power_cycle()
        await bench.running()

        for pgn in (BATTERY, DETAILED):
            told = await bench.display.ask(pgn)
            assert told is not None
            assert told.fields["instance"] == 224
        refused = await bench.display.command(DETAILED, (2, b"\x21"))
        assert refused is not None
        assert [each["parameter"] for each in refused.sets] == [3]


@in_virtual_time
async def test_what_the_device_does_not_have_is_refused() -> None:
    async with bench_alone("1.38") as bench:
        await bench.running()

        refusal = await bench.display.ask(127489)

        assert refusal is not None
        assert (refusal.pgn, refusal.codes["control"], refusal.fields["pgn"]) == (59392, 1, 127489)


@in_virtual_time
async def test_instances_of_the_device_are_claimed_with() -> None:
    async with bench_alone("1.38") as bench:
        await bench.running()
        await bench.display.command(CLAIM, (3, b"\x05"), (4, b"\x11"), (8, b"\x0a"))
        await bench.wait(seconds(1))

        claim = await bench.display.ask(CLAIM)

        assert claim is not None
        fields = "deviceInstanceLower", "deviceInstanceUpper", "systemInstance"
        assert [claim.fields[name] for name in fields] == [5, 17, 10]
