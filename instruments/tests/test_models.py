"""The registry: every name leads to a driver and a twin that belong together."""

import random

import pytest

from instruments.doors import SocketDoor, wall_us
from instruments.models import MODELS, UnknownModel, identify, model_named, open_driver
from instruments.protocols import (
    BidirectionalSupply,
    Chamber,
    DigitalIO,
    Instrument,
    Load,
    Meter,
    Relay,
    Supply,
)

PROTOCOLS: dict[str, tuple[type, ...]] = {
    "supply": (Supply,),
    "bidirectional supply": (BidirectionalSupply,),
    "load": (Load,),
    "meter": (Meter,),
    "daq": (DigitalIO, Relay),
    "chamber": (Chamber,),
}
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("psb10000", "psb10000", id="name"),
        pytest.param("34465a", "truevolt34465a", id="alias"),
        pytest.param("EA_PSB10000", "psb10000", id="other spelling"),
        pytest.param("62012P-80-60", "chroma62012p", id="title"),
        pytest.param("weiss", "simserv", id="maker"),
        pytest.param("espec", "p300", id="another maker"),
    ],
)
def test_a_model_is_found_by_name_and_by_alias(name, expected):
    assert model_named(name).name == expected


def test_an_unknown_name_is_told_with_those_that_there_are():
    with pytest.raises(UnknownModel, match=r"'dp833'.* dp832.* p300"):
        model_named("dp833")


def test_no_alias_means_two_instruments():
    names = [name for model in MODELS for name in {model.name, *model.aliases, model.title.lower()}]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("idn", "expected"),
    [
        pytest.param("RIGOL TECHNOLOGIES,DP832,DP8C1,00.01.14", "dp832", id="supply"),
        pytest.param(
            "EA Elektro-Automatik GmbH & Co. KG, PSB 10080-1000 4U, 1, V1, ", "psb10000", id="five"
        ),
        pytest.param("KEITHLEY INSTRUMENTS,MODEL DMM6500,1,1.0.04b", "dmm6500", id="meter"),
        pytest.param("CHROMA,62012P-80-60,03.30.1,05648", "chroma62012p", id="serial last"),
    ],
)
def test_an_identity_leads_to_its_driver(idn, expected):
    found = identify(idn)

    assert found is not None
    assert found.name == expected


@pytest.mark.parametrize("idn", ["", "nothing", "MAKER,THING,1,2"])
def test_another_identity_leads_nowhere(idn):
    assert identify(idn) is None


@pytest.mark.parametrize("model", [m for m in MODELS if m.scpi], ids=lambda model: model.name)
def test_a_twin_says_that_it_is_what_its_driver_expects(model):
    twin = model.make_twin(serial="1", dice=random.Random(1), now_us=lambda: 0)

    answer = twin.conversation().receive(b"*IDN?\n").decode()

    assert identify(answer) is model


@every_model
async def test_a_driver_opens_its_twin_over_tcp_and_is_of_its_kind(model):
    twin = model.make_twin(serial="1", dice=random.Random(1), now_us=wall_us, latency_s=0.0)
    options = {"lines": {}} if model.kind == "daq" else {}

    async with SocketDoor(twin) as door:
        driver = open_driver(model, door.resource_name, now_us=wall_us, **options)
        identity = await driver.open()
        await driver.close()

    assert isinstance(driver, (Instrument, *PROTOCOLS[model.kind]))
    assert all(isinstance(driver, protocol) for protocol in PROTOCOLS[model.kind])
    assert identity.manufacturer
