"""What can be asked of the hub, and how a mistake is named."""

import json

import pytest

from rig.can.hub.requests import (
    AskStatistics,
    BadRequest,
    Disturb,
    Hello,
    Plug,
    Recover,
    parse_request,
    request_bytes,
)

REQUESTS = [
    Hello(name="dut", buses=("ve_can", "private"), read_only=True, bitrate=250_000, restart_ms=0),
    Hello(name="status"),
    AskStatistics(),
    Disturb(bus="ve_can", duration_us=1),
    Plug(bus="ve_can", client="dut", attached=True),
    Recover(bus="ve_can", client="dut"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)
def test_a_request_arrives_as_it_was_made(request_):
    assert parse_request(request_bytes(request_)) == request_


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ([], "not a JSON object"),
        ({}, "ask: None; allowed: hello, statistics, disturb, plug, recover"),
        ({"ask": "rocket"}, "ask: 'rocket'; allowed: hello, "),
        ({"ask": "hello"}, "name: None; allowed: 1 to 64 characters"),
        ({"ask": "hello", "name": "x" * 65}, "allowed: 1 to 64 characters"),
        ({"ask": "hello", "name": "a\nb"}, "allowed: printable characters"),
        ({"ask": "hello", "name": "a", "buses": "x"}, "buses: 'x'; allowed: a list of names"),
        ({"ask": "hello", "name": "a", "buses": ["x", "x"]}, "allowed: each once"),
        ({"ask": "hello", "name": "a", "echo": 1}, "echo: 1; allowed: true or false"),
        ({"ask": "hello", "name": "a", "bitrate": 5}, "bitrate: 5; allowed: a whole number, 10000"),
        ({"ask": "hello", "name": "a", "colour": 1}, "colour: unknown to 'hello'"),
        ({"ask": "disturb", "bus": "a", "duration_us": 0}, "duration_us: 0; allowed: a whole"),
        ({"ask": "disturb", "bus": "a", "duration_us": True}, "duration_us: True; allowed"),
        ({"ask": "statistics", "bus": "a"}, "bus: unknown to 'statistics'"),
    ],
)
def test_a_mistake_is_named_with_its_field_and_what_is_allowed(fields, complaint):
    with pytest.raises(BadRequest) as caught:
        parse_request(json.dumps(fields).encode())

    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"{\xff\xfe", id="no text"),
        pytest.param(b'{"a":' + b"[" * 10_000, id="deep"),
        pytest.param(b'{"a":' + b"9" * 10_000 + b"}", id="long"),
    ],
)
def test_noise_is_no_request(noise):
    with pytest.raises(BadRequest, match="not a JSON object"):
        parse_request(noise)
