"""An exhaustive search of the automaton together with all that it has to live with.

The world beside the tables: a client that may die at any instant, messages that are still under way
when it does, outputs that obey or are deaf, the interlock that holds them off, the supply's own
watchdog, a guardian that may die too. Every state that can be reached is looked at; a law that does
not hold gives the shortest way there. The first output has a watchdog, the others have none.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rig.safety.automaton import ALLOW_ON, RULES, TRIPPED, Bench, Event, Held, Permit, Rules, step

Flags = tuple[bool, ...]
# What brings a bench to rest although its client is gone.
UNAIDED = ("fails", "sweeps", "interlock", "verifies", "watchdog")


@dataclass(frozen=True, slots=True)
class World:
    """Everything that matters at one instant; flags are by output."""

    held: Held
    client: bool
    guardian: bool
    closed: bool  # the interlock: open, it holds every output off
    swept: int  # how far the way to the safe state is gone
    granted: Flags  # the answer is under way
    told: Flags  # the client has it
    asked_on: Flags  # "on" is under way to the instrument
    on: Flags
    deaf: Flags  # neither hears nor answers
    guarded: Flags  # its trips were read back for the permit that it has
    watchdog: bool
    seen: bool  # what the last verdict rested on: everything answered, and was off
    reset_due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found: how many states there are, and the ways to those that break a law."""

    states: int
    broken: Mapping[str, tuple[str, ...]]


def search(outputs: int = 2, rules: Rules = RULES) -> Found:
    """Look at every state; the shortest way to a breach of each law that has one."""
    start = _begin(outputs)
    came: dict[World, tuple[World, str] | None] = {start: None}
    after: dict[World, list[tuple[str, World]]] = {}
    broken: dict[str, tuple[str, ...]] = {}
    line = deque([start])
    while line:
        world = line.popleft()
        for law in _breaches(world):
            broken.setdefault(law, _way(came, world))
        after[world] = list(_moves(world, rules))
        for move, following in after[world]:
            if following not in came:
                came[following] = world, move
                line.append(following)
    for world in _stranded(after):
        broken.setdefault("what nobody tends comes to rest", _way(came, world))
    return Found(states=len(came), broken=broken)


def _begin(outputs: int) -> World:
    no = (False,) * outputs
    return World(
        held=Held.begin(outputs),
        client=True,
        guardian=True,
        closed=False,
        swept=0,
        granted=no,
        told=no,
        asked_on=no,
        on=no,
        deaf=no,
        guarded=no,
        watchdog=False,
        seen=False,
        reset_due=False,
    )


def _breaches(world: World) -> Iterator[str]:
    """The laws that do not hold in this state."""
    bench, permits = world.held.bench, world.held.permits
    if any(world.on) and not world.closed:
        yield "an output is on only with the interlock closed"
    unpermitted = any(on and permits[i] not in ALLOW_ON for i, on in enumerate(world.on))
    if unpermitted and world.guardian and bench is not Bench.TRIPPING:
        yield "an output is on only under a live permit"
    if any(on and not world.guarded[i] for i, on in enumerate(world.on)):
        yield "an output is on only inside trips that were read back"
    if bench is not Bench.ARMED and any(permit is not Permit.NONE for permit in permits):
        yield "a permit exists only while the bench is armed"
    if bench in {Bench.SAFE, Bench.UNKNOWN} and (any(world.on) or world.closed):
        yield "a trip ends with nothing on and the interlock open"
    if bench is Bench.SAFE and not world.seen:
        yield "what was not verified is not called safe"
    if world.reset_due and bench not in TRIPPED:
        yield "after a trip nothing goes on before a person has been there"


def _stranded(after: Mapping[World, list[tuple[str, World]]]) -> Iterator[World]:
    """States that nobody tends, in which something that has a way to rest never gets there.

    With the client gone, the guardian's own moves have to do it; with both gone, the watchdog.
    """
    at_rest = {w for w in after if not (any(w.on) if w.guardian else w.on[0])}
    before: dict[World, list[World]] = {}
    for world, moves in after.items():
        for move, following in moves:
            if move.split()[0] in UNAIDED:
                before.setdefault(following, []).append(world)
    line = deque(at_rest)
    while line:
        for world in before.get(line.popleft(), ()):
            if world not in at_rest:
                at_rest.add(world)
                line.append(world)
    for world in after:
        if not world.client and world not in at_rest:
            yield world


def _way(came: Mapping[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    moves: list[str] = []
    while (step_back := came[world]) is not None:
        world, move = step_back
        moves.append(move)
    return tuple(reversed(moves))


def _moves(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    """All that can happen next."""
    if world.client:
        yield from _by_the_client(world, rules)
        yield "client dies", replace(world, client=False, told=_none(world), granted=_none(world))
    if world.guardian:
        yield from _by_the_guardian(world, rules)
        yield "guardian dies", replace(world, guardian=False, granted=_none(world))
    elif world.watchdog and world.on[0] and not world.client:
        yield "watchdog expires", replace(world, on=_set(world.on, 0, False))
    for i, asked in enumerate(world.asked_on):
        if asked:
            on = world.on[i] or (world.closed and not world.deaf[i])
            gone = _set(world.asked_on, i, False)
            yield f"on arrives at {i}", replace(world, asked_on=gone, on=_set(world.on, i, on))
        if not world.deaf[i]:
            yield f"{i} goes deaf", replace(world, deaf=_set(world.deaf, i, True))
    if world.held.bench in {Bench.SAFE, Bench.UNKNOWN}:
        fresh = _begin(len(world.on))
        yield "a person resets", replace(fresh, held=step(world.held, Event.RESET, rules=rules))


def _by_the_client(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    if not world.guardian:
        # It sees that at once, and brings to rest what it can.
        yield "client rescues", replace(world, on=_none(world), closed=False, client=False)
    for i in range(len(world.on)):
        if world.granted[i]:
            told = _set(world.told, i, True)
            yield (
                f"client hears of {i}",
                replace(world, told=told, granted=_set(world.granted, i, False)),
            )
        if world.told[i] and not world.asked_on[i]:
            yield f"client sends on to {i}", replace(world, asked_on=_set(world.asked_on, i, True))
        if world.on[i] and not world.deaf[i]:
            yield f"client switches {i} off", replace(world, on=_set(world.on, i, False))
        # One thing at a time for one output: it waits for the answer to what it has asked.
        waits = world.granted[i] or world.held.permits[i] in {Permit.GRANTING, Permit.RENEWING}
        if world.guardian and not waits:
            held = step(world.held, Event.ASK, i, rules)
            yield f"client asks for {i}", replace(world, held=held)
        if world.guardian and world.told[i] and not world.asked_on[i] and not waits:
            without = replace(world, told=_set(world.told, i, False))
            yield f"client returns {i}", _returned(without, i, rules)


def _returned(world: World, i: int, rules: Rules) -> World:
    if world.on[i] or world.deaf[i]:
        return _failed(world, rules)
    held = step(world.held, Event.RETURNED, i, rules)
    guarded = world.guarded if held.may_be_on(i) else _set(world.guarded, i, False)
    return replace(world, held=held, guarded=guarded)


def _failed(world: World, rules: Rules) -> World:
    held = step(world.held, Event.FAIL, rules=rules)
    reset_due = world.reset_due or held.bench in TRIPPED
    return replace(world, held=held, reset_due=reset_due)


def _by_the_guardian(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    bench = world.held.bench
    if not any(world.deaf) and not any(world.on) and world.client:
        armed = step(world.held, Event.ARM, rules=rules)
        if armed.bench is Bench.ARMED and bench is not Bench.ARMED:
            yield "arms", replace(world, held=armed, closed=True, guarded=_none(world))
        if not any(world.told) and not any(world.asked_on) and not any(world.granted):
            parted = step(world.held, Event.PART, rules=rules)
            if parted != world.held:
                yield "parts", replace(world, held=parted, closed=False, client=False)
    yield "fails", _failed(world, rules)
    if bench is Bench.TRIPPING:
        yield from _to_the_safe_state(world, rules)
    for i, permit in enumerate(world.held.permits):
        if permit in {Permit.GRANTING, Permit.RENEWING}:
            refused = step(world.held, Event.REFUSED, i, rules)
            yield f"refuses {i}", replace(world, held=refused)
            # A change of what is on needs no new trips; who is first on needs them read back.
            guarded = world.guarded if world.deaf[i] else _set(world.guarded, i, True)
            if guarded[i]:
                held = step(world.held, Event.READ_BACK, i, rules)
                yield f"grants {i}", _answered(replace(world, guarded=guarded), i, held)
        elif permit is Permit.LIVE and not world.told[i] and not world.granted[i]:
            # Nobody asked it, and yet it is live: what a spoilt table makes of an event.
            yield f"tells {i}", _answered(world, i, world.held)


def _answered(world: World, i: int, held: Held) -> World:
    granted = held.may_be_on(i) and world.client
    watchdog = world.watchdog or (granted and i == 0)
    return replace(world, held=held, granted=_set(world.granted, i, granted), watchdog=watchdog)


def _to_the_safe_state(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    if world.swept == 0:
        yield "sweeps", replace(world, on=_obeyed_off(world), swept=1)
    elif world.swept == 1:
        yield "interlock opens", replace(world, on=_none(world), closed=False, swept=2)
    else:
        seen = not any(world.on) and not any(world.deaf)
        event = Event.VERIFIED if seen else Event.UNVERIFIED
        held = step(world.held, event, rules=rules)
        yield "verifies", replace(world, held=held, seen=seen)


def _obeyed_off(world: World) -> Flags:
    return tuple(on and deaf for on, deaf in zip(world.on, world.deaf, strict=True))


def _none(world: World) -> Flags:
    return (False,) * len(world.on)


def _set(flags: Flags, i: int, value: bool) -> Flags:
    return (*flags[:i], value, *flags[i + 1 :])
