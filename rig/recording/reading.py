"""Reads the types of the record from their JSON; RecordError says what does not fit."""

from __future__ import annotations

from rig.recording.fields import Fields
from rig.recording.model import (
    BASES,
    CLASSES,
    KINDS,
    LANES,
    BenchCheck,
    BenchFacts,
    EarlierRun,
    Ended,
    Entry,
    Evidence,
    InstrumentFacts,
    Measurement,
    Plan,
    PlanRow,
    Quarantine,
    RunFacts,
    SelfTest,
    Session,
    SlotDelta,
    Started,
    Trace,
    TraceEvent,
    TraceExpectation,
    Verdict,
)


def plan_of(fields: Fields) -> Plan:
    """The content of plan.json, its hash not yet checked."""
    if fields.integer("format") != 1:
        raise fields.error("format", fields.integer("format"), "1")
    rows = tuple(_row(row) for row in fields.children("rows"))
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise fields.error("rows", row.id, "every id once")
        seen.add(row.id)
    return Plan(run=_run(fields.child("run")), rows=rows)


def entry_of(fields: Fields) -> Entry:
    """A line of the journal."""
    if fields.text("what", ("START", "END")) == "START":
        return _started(fields)
    return _ended(fields)


def session_of(fields: Fields) -> Session:
    """The content of a session.json."""
    if fields.integer("format") != 1:
        raise fields.error("format", fields.integer("format"), "1")
    held = fields.holds("self_test")
    return Session(
        number=fields.integer("number"),
        utc=fields.utc("utc"),
        why=fields.text("why", ("begun", "resumed", "repeated")),
        tests=fields.integer("tests"),
        mended=fields.truth("mended"),
        self_test=_self_test(fields.child("self_test")) if held else None,
    )


def self_test_of(fields: Fields) -> SelfTest:
    """The content of selftest-before.json and selftest-after.json."""
    if fields.integer("format") != 1:
        raise fields.error("format", fields.integer("format"), "1")
    return _self_test(fields)


def _self_test(fields: Fields) -> SelfTest:
    checks = tuple(
        BenchCheck(name=each.text("name"), passed=each.truth("passed"), said=each.text("said"))
        for each in fields.children("checks")
    )
    return SelfTest(utc=fields.utc("utc"), checks=checks)


def trace_of(fields: Fields) -> Trace:
    """The content of trace.json."""
    if fields.integer("format") != 1:
        raise fields.error("format", fields.integer("format"), "1")
    state = fields.child("start_state")
    return Trace(
        item=fields.text("item"),
        test=fields.text("test"),
        firmware=fields.optional_text("firmware"),
        seed=fields.integer("seed"),
        start_state={name: state.value(name) for name in state.names()},
        expectations=tuple(_expectation(e) for e in fields.children("expectations")),
        events=tuple(_event(event) for event in fields.children("events")),
        plot=fields.texts("plot") if "plot" in fields.names() else (),
    )


def _row(fields: Fields) -> PlanRow:
    return PlanRow(
        id=fields.text("id"),
        kind=fields.text("kind", KINDS),
        area=fields.text("area"),
        item_class=fields.text("class", CLASSES),
        basis=fields.optional_text("basis", BASES),
        statement=fields.text("statement"),
        since=fields.optional_text("since"),
        until=fields.optional_text("until"),
        revoked_by=fields.optional_text("revoked_by"),
        holds=fields.truth("holds"),
        deltas=tuple(_delta(delta) for delta in fields.children("deltas")),
        scenario=fields.optional_text("scenario"),
        scenario_sha256=fields.optional_text("scenario_sha256"),
        firmware=fields.optional_text("firmware"),
        tests=fields.texts("tests"),
        reason=fields.text("reason"),
        quarantine=quarantine_of(fields.child("quarantine"))
        if fields.holds("quarantine")
        else None,
        inputs_sha256=fields.optional_text("inputs_sha256"),
        carried_from=fields.optional_text("carried_from"),
    )


def quarantine_of(fields: Fields) -> Quarantine:
    """An entry of a quarantine, as plans and schedules carry it."""
    return Quarantine(
        owner=fields.text("owner"),
        reason=fields.text("reason"),
        since=fields.day("since"),
        expires=fields.day("expires"),
        ticket=fields.text("ticket"),
    )


def _delta(fields: Fields) -> SlotDelta:
    return SlotDelta(slot=fields.text("slot"), was=fields.scalar("was"), now=fields.scalar("now"))


def _run(fields: Fields) -> RunFacts:
    return RunFacts(
        id=fields.text("id"),
        bench=fields.text("bench"),
        firmware=fields.text("firmware"),
        started=fields.utc("started"),
        seed=fields.integer("seed"),
        software=fields.scalars("software"),
        bench_facts=_bench(fields) if fields.holds("bench_facts") else None,
        judged_as=fields.optional_text("judged_as"),
        unchanged_since=_earlier(fields) if fields.holds("unchanged_since") else None,
    )


def _earlier(run: Fields) -> EarlierRun:
    fields = run.child("unchanged_since")
    return EarlierRun(run=fields.text("run"), manifest_sha256=fields.text("manifest_sha256"))


def _bench(run: Fields) -> BenchFacts:
    fields = run.child("bench_facts")
    return BenchFacts(
        kind=fields.text("kind"),
        description=fields.text("description"),
        sha256=fields.text("sha256"),
        instruments=tuple(_instrument(each) for each in fields.children("instruments")),
    )


def _instrument(fields: Fields) -> InstrumentFacts:
    return InstrumentFacts(
        role=fields.text("role"),
        model=fields.text("model"),
        serial=fields.optional_text("serial"),
        resource=fields.text("resource"),
        certificate=fields.optional_text("certificate"),
        calibrated=fields.optional_day("calibrated"),
        due=fields.optional_day("due"),
    )


def _started(fields: Fields) -> Started:
    return Started(
        attempt=fields.text("attempt"),
        item=fields.text("item"),
        test=fields.text("test"),
        number=fields.integer("number"),
        firmware=fields.optional_text("firmware"),
        utc=fields.utc("utc"),
    )


def _ended(fields: Fields) -> Ended:
    return Ended(
        attempt=fields.text("attempt"),
        item=fields.text("item"),
        test=fields.text("test"),
        number=fields.integer("number"),
        firmware=fields.optional_text("firmware"),
        utc=fields.utc("utc"),
        verdict=_verdict(fields),
        reason=fields.text("reason"),
        digest=fields.optional_text("digest"),
        sim_s=fields.number("sim_s"),
        wall_s=fields.number("wall_s"),
        measurements=tuple(_measurement(each) for each in fields.children("measurements")),
        unmet=fields.optional_text("unmet"),
        evidence=tuple(_evidence(each) for each in fields.children("evidence")),
        bench_fault=fields.holds("bench_fault") and fields.truth("bench_fault"),
    )


def _measurement(fields: Fields) -> Measurement:
    return Measurement(
        name=fields.text("name"),
        value=fields.optional_number("value"),
        unit=fields.text("unit"),
        low=fields.optional_number("low"),
        high=fields.optional_number("high"),
        uncertainty=fields.optional_number("uncertainty"),
        rule=fields.text("rule"),
        verdict=_verdict(fields),
        t_s=fields.number("t_s"),
        signal=fields.optional_text("signal"),
    )


def _evidence(fields: Fields) -> Evidence:
    return Evidence(path=fields.text("path"), sha256=fields.text("sha256"))


def _expectation(fields: Fields) -> TraceExpectation:
    return TraceExpectation(
        t_s=fields.number("t_s"),
        what=fields.text("what"),
        outcome=fields.text("outcome", ("met", "unmet")),
        text=fields.text("text"),
        measurement=fields.optional_text("measurement"),
    )


def _event(fields: Fields) -> TraceEvent:
    return TraceEvent(
        t_s=fields.number("t_s"), lane=fields.text("lane", LANES), text=fields.text("text")
    )


def _verdict(fields: Fields) -> Verdict:
    # Only a row is NOT VERIFIED, by its plan; an attempt, or a measurement, came to something.
    allowed = tuple(each for each in Verdict if each is not Verdict.NOT_VERIFIED)
    return Verdict(fields.text("verdict", allowed))
