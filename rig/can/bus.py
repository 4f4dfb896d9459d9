"""The simulated CAN bus: who may speak, how long it takes, who hears it, and what goes wrong.

Rules of this file:
- A frame is delivered at its end, and the next one is chosen then. A frame asked for in the very
  microsecond in which another begins still takes part in that arbitration.
- Its end is an event only if somebody has to hear of it at once. A frame of which all receivers
  are patient (they look when they step) and which nobody watches is completed, with its true
  time, by the next who has to do with the bus (`catch_up`). Several such frames of one node, on
  a wire that is free, are a train: nothing is arbitrated until somebody else wants the wire. A
  sender that knows what it will say, and to whom it is no news, may `postpone` itself: it says it
  when somebody looks, as of the time at which it was due.
- All that waits stands in one heap by (arbitration key, order of asking); the key puts a standard
  frame before an extended one of the same base, as the wire does.
- An error shows at the end of the frame that it hits; an error frame follows, then a new attempt.
- Two nodes that begin the same identifier at once: same data is one frame; else both err, until
  the one that would lose the data is error passive and cannot disturb the other any more.
- A long bus with many nodes settles late (rig.can.line): who samples too early misreads a share of
  the frames. While anybody does, or a node's frames are disturbed, no frame's end can wait.
- `bitrate` is the wire's. A node of another rate hears nobody of it; when it speaks, its own frame
  and one under way are destroyed. Two of a foreign rate among themselves understand each other.
- Left out: overload and remote frames, suspended transmission, errors that only one node sees.
"""

from collections import deque
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import Protocol

from rig.can.frame import Frame
from rig.can.line import misread_share, settled_us
from rig.can.node import ControllerState, Entry, Node, Receive, Route
from rig.can.timing import ERROR_BITS, INTERMISSION_BITS, bits_us
from rig.kernel import BUS, Kernel, Scheduled

Tap = Callable[[int, str, Frame], None]
ErrorTap = Callable[[int, str], None]

_SLOT_US = 10_000
"""Resolution of the load; 1000 slots are kept."""


ROUTES_LIMIT = 4096  # identifiers that one sender is remembered by


class Latecomer(Protocol):
    """A sender that has postponed what it says."""

    def speak(self, due_us: int) -> None:
        """Say what was due then, by `offer_all` with that time; perhaps postpone again."""
        ...

    def hurry(self) -> None:
        """Postpone nothing any more: somebody wants to hear each frame at its time."""
        ...


class Bus:
    """A wire with its nodes and its observers."""

    def __init__(self, kernel: Kernel, name: str, bitrate: int, length_m: float = 10.0) -> None:
        self.kernel = kernel
        self.name = name
        self.bitrate = bitrate
        self.errors_total = 0
        self._gap_us = bits_us(INTERMISSION_BITS, bitrate)
        self._error_us = bits_us(ERROR_BITS, bitrate)
        self._nodes: list[Node] = []
        self._taps: tuple[Tap, ...] = ()
        self._frames_total = 0
        self._train: deque[tuple[int, Frame]] = deque()
        self._train_of: Node | None = None
        self._late: list[tuple[int, int, Latecomer]] = []
        self._watched = False
        self._watchful = False
        self._end_us = 0
        self._error_taps: tuple[ErrorTap, ...] = ()
        self._sequence = 0
        self._waiting: list[Entry] = []
        self._current: Entry | None = None
        self._rivals: list[Entry] = []
        self._dropped: set[int] = set()
        self._end: Scheduled | None = None
        self._start_us = 0
        self._free_from_us = 0
        self._spoilt = ""
        self._disturbed_until_us = 0
        self._length_m = length_m
        self._misread = 0.0  # the share of frames that somebody misreads
        self._doubtful = False  # whether a frame may be destroyed without a glitch on the wire
        self._noise = kernel.stream(f"{name}/noise")
        self._counting = False
        self._slot = 0
        self._slot_busy_us = 0
        self._slots: deque[tuple[int, int]] = deque(maxlen=1000)
        self._on_end = self._finish

    def attach(self, name: str, receive: Receive | None, bitrate: int | None = None) -> Node:
        """Put a controller on the wire; it acknowledges whether or not it has a receiver."""
        node = Node(self, name, receive, bitrate or self.bitrate)
        self._nodes.append(node)
        self.rewire()
        return node

    def watch(self, tap: Tap, *, patient: bool = False) -> None:
        """Have every completed frame: time, sender's name, frame. A tap acknowledges nothing.

        A patient tap may hear of a frame later than its time, still in the order of the bus.
        """
        self.catch_up()
        self._taps = (*self._taps, tap)
        if not patient:
            self._watched = True
            self._hurry_all()

    def _hurry_all(self) -> None:
        self._be_watchful()
        late, self._late = self._late, []
        for _, _, sender in late:
            sender.hurry()

    @property
    def frames_total(self) -> int:
        """How many frames it has carried until now."""
        self.catch_up()
        return self._frames_total

    def catch_up(self) -> None:
        """Complete what has ended by now and has waited for somebody to look."""
        now_us = self.kernel.now_us
        if self._late:
            self._hear_late(now_us)
        self._advance(now_us)

    @property
    def is_patient(self) -> bool:
        """Whether nobody asks to see each frame at its time."""
        return not self._watchful

    def postpone(self, sender: Latecomer, due_us: int) -> None:
        """Let ``sender`` speak of ``due_us`` when somebody looks after that."""
        self._sequence += 1
        heappush(self._late, (due_us, self._sequence, sender))

    def forget(self, sender: Latecomer) -> None:
        """It speaks in time again."""
        self._late = [one for one in self._late if one[2] is not sender]
        heapify(self._late)

    def _hear_late(self, now_us: int) -> None:
        late = self._late
        while late and late[0][0] <= now_us:
            due_us, _, sender = heappop(late)
            self._advance(due_us)
            # A frame that has an event is beyond its arbitration by the time this is heard.
            sender.speak(due_us if self._end is None else max(due_us, self._start_us + 1))

    def _advance(self, now_us: int) -> None:
        if self._train:
            self._run_train(now_us)
        while self._current is not None and self._end is None and self._end_us <= now_us:
            self._complete(self._end_us)

    def _be_watchful(self) -> None:
        """From now until the bus is silent every frame's end is an event."""
        self._watchful = True
        if self._train:
            self._dissolve_train()
        if self._current is not None and self._end is None:
            self._want_event()

    def _want_event(self) -> None:
        # What a latecomer says may have ended already: then whoever looks completes it.
        if self._end_us > self.kernel.now_us:
            self._end = self.kernel.at(self._end_us, self._on_end, BUS)

    def watch_errors(self, tap: ErrorTap) -> None:
        """Have every error frame: time, and `reason: senders`."""
        self._error_taps = (*self._error_taps, tap)

    def disturb(self, duration_us: int) -> None:
        """Glitches for a while: what is under way or begins meanwhile ends in an error frame."""
        self.catch_up()
        self._be_watchful()
        until_us = self.kernel.now_us + duration_us
        self._disturbed_until_us = max(self._disturbed_until_us, until_us)

    def load_pct(self, window_us: int) -> float:
        """Share of the last ``window_us`` that frames, error frames and their gaps occupied.

        In slots of 10 ms, up to 10 s back; a frame counts whole in the slot in which it ended.
        """
        self.catch_up()
        oldest = (self.kernel.now_us - window_us) // _SLOT_US
        busy_us = sum(busy for slot, busy in self._slots if slot > oldest)
        if self._slot > oldest:
            busy_us += self._slot_busy_us
        return min(100.0, 100.0 * busy_us / window_us)

    def quiet_from_us(self) -> int:
        """From when on the wire is undisturbed."""
        return max(self.kernel.now_us, self._disturbed_until_us)

    def entry(self, node: Node, frame: Frame) -> Entry:
        """The frame as it waits."""
        identifier = frame.identifier
        if frame.extended:
            # base id << 19 | 1 << 18 | the other 18 bits: the recessive IDE bit after the base id.
            key = identifier + (identifier & 0x1FFC0000) + 0x40000
        else:
            key = identifier << 19
        self._sequence += 1
        return (key, self._sequence, node, frame)

    def offer(self, node: Node, frame: Frame) -> None:
        """Take a frame of a node that can be heard."""
        if self._late:
            self._hear_late(self.kernel.now_us)
        self._offer(node, frame, self.kernel.now_us)

    def _offer(self, node: Node, frame: Frame, now_us: int) -> None:
        if self._train or (
            self._current is not None and self._end is None and self._end_us <= now_us
        ):
            self._advance(now_us)
            self._dissolve_train()
        entry = self.entry(node, frame)
        current = self._current
        if current is None:
            free_us = self._free_from_us
            self._begin(entry, free_us if free_us > now_us else now_us)
            return
        heappush(self._waiting, entry)
        if self._end is None and not self._is_patient(node, frame.identifier):
            self._be_watchful()
        if now_us <= self._start_us:
            if entry[0] < current[0] or (entry[0] == current[0] and node is not current[2]):
                self._arbitrate_again()
        elif node.foreign:
            self._spoilt = "bit rate"
            self._be_watchful()

    def offer_all(self, node: Node, frames: Sequence[Frame], due_us: int | None = None) -> None:
        """Take several frames of a node that can be heard; ``due_us``: of a latecomer."""
        now_us = self.kernel.now_us if due_us is None else due_us
        if due_us is None:
            self.catch_up()
        free = self._current is None and not self._train and not self._watchful
        if not (free and self._may_be_a_train(node, frames)):
            for frame in frames:
                self._offer(node, frame, now_us)
            return
        start_us = max(now_us, self._free_from_us)
        self._train_of = node
        self._start_us = start_us
        for frame in frames:
            end_us = start_us + node.durations_us[frame.extended][len(frame.data)]
            self._train.append((end_us, frame))
            start_us = end_us + self._gap_us

    def _may_be_a_train(self, node: Node, frames: Sequence[Frame]) -> bool:
        """Whether nobody is waiting to hear them, and they stand in the order of arbitration."""
        last = -1
        for frame in frames:
            identifier = frame.identifier
            if identifier <= last or not frame.extended or not self._is_patient(node, identifier):
                return False
            last = identifier
        return True

    def _run_train(self, now_us: int) -> None:
        """Complete those frames of the train that have ended."""
        train, node, gap_us = self._train, self._train_of, self._gap_us
        assert node is not None
        while train and train[0][0] <= now_us:
            end_us, frame = train.popleft()
            node.pending -= 1
            self._frames_total += 1
            self._occupy(end_us, end_us + gap_us - self._start_us)
            self._free_from_us = self._start_us = end_us + gap_us
            for tap in self._taps:
                tap(end_us, node.name, frame)
            for listener in node.routes[frame.identifier][0]:
                listener.receive(end_us, frame)

    def _dissolve_train(self) -> None:
        """Somebody else wants the wire: the frame under way goes on, the others wait as usual."""
        train, node = self._train, self._train_of
        if not train or node is None:
            return
        self._train = deque()
        end_us, first = train.popleft()
        self._current = self.entry(node, first)
        self._end, self._end_us = None, end_us
        for _, frame in train:
            heappush(self._waiting, self.entry(node, frame))

    def drop(self, node: Node) -> None:
        """Forget what waits of a node; a frame of it under way will not be tried again."""
        self.catch_up()
        self._be_watchful()
        self._waiting = [entry for entry in self._waiting if entry[2] is not node]
        heapify(self._waiting)
        self._dropped.update(entry[1] for entry in self._under_way() if entry[2] is node)

    def note_errors(self, count: int, text: str) -> None:
        """Count error frames that took no event of their own."""
        self.errors_total += count
        self._counting = True
        for tap in self._error_taps:
            tap(self.kernel.now_us, text)

    def rewire(self) -> None:
        """Find out anew who hears whom; whoever was alone and is not any more tries again."""
        self.catch_up()
        self._be_watchful()
        live = [node for node in self._nodes if node.live]
        native = any(node.bitrate == self.bitrate for node in live)
        for node in self._nodes:
            peers = [other for other in live if other is not node and other.bitrate == node.bitrate]
            node.foreign = native and node.bitrate != self.bitrate
            node.heard = node.live and (bool(peers) or node.foreign)
            node.peers = tuple(peers)
            node.listeners = tuple(other for other in node.peers if other.wants_frames)
            node.routes.clear()
        self._measure_line(live)
        self._sort_waiting()
        if self._current is None:
            self._next(max(self.kernel.now_us, self._free_from_us))
        elif not all(entry[2].heard for entry in self._under_way()):
            self._spoilt = "broken off"

    def _measure_line(self, live: Sequence[Node]) -> None:
        """How many frames are misread by somebody, as the bus is now."""
        settles_us = settled_us(self._length_m, len(live))
        read_well = 1.0
        for node in live:
            sample_us = node.sample_point_pct / 100.0 * 1e6 / node.bitrate
            read_well *= 1.0 - misread_share(sample_us, settles_us)
        self._misread = 1.0 - read_well
        doubtful = read_well < 1.0 or any(node.disturbed for node in live)
        doubted, self._doubtful = self._doubtful, doubtful
        if doubtful and not doubted:
            self._hurry_all()

    def _doubt(self, node: Node) -> str:
        """What destroys the frame that ``node`` begins, if anything does."""
        if node.disturbed:
            return "disturbed"
        misread = self._misread and self._noise.random() < self._misread
        return "sampled too early" if misread else ""

    def _sort_waiting(self) -> None:
        """Move frames between the heap and the nodes that nobody hears."""
        waiting = self._waiting
        self._waiting = []
        for entry in waiting:
            (self._waiting if entry[2].heard else entry[2].held).append(entry)
        for node in self._nodes:
            if node.heard:
                node.stop_trying()
                self._waiting.extend(node.held)
                node.held.clear()
            else:
                node.try_alone()
        heapify(self._waiting)

    def _begin(self, entry: Entry, start_us: int) -> None:
        waiting = self._waiting
        self._spoilt = ""
        if waiting and waiting[0][0] == entry[0]:
            entry = self._meet(entry)
        self._current = entry
        self._start_us = start_us
        node = entry[2]
        frame = entry[3]
        if node.foreign:
            self._spoilt = "bit rate"
        elif self._doubtful and not self._spoilt:
            self._spoilt = self._doubt(node)
        self._end_us = start_us + node.durations_us[frame.extended][len(frame.data)]
        self._end = None
        eager = self._watchful or self._counting or self._spoilt
        if eager or not self._is_patient(node, frame.identifier):
            self._want_event()

    def _next(self, start_us: int) -> None:
        waiting = self._waiting
        if waiting:
            self._begin(heappop(waiting), start_us)
        else:
            self._current = None
            self._end = None
            self._free_from_us = start_us
            disturbed = self._disturbed_until_us > self.kernel.now_us
            self._watchful = self._watched or self._doubtful or disturbed

    def _arbitrate_again(self) -> None:
        """Somebody of the same or a higher priority begins in the same instant."""
        self._put_back()
        if self._end is not None:
            self._end.cancel()
        self._next(self._start_us)

    def _put_back(self) -> list[Node]:
        """Return what is under way to those who wait; gives the nodes that will try again."""
        entries = self._under_way()
        self._rivals = []
        kept = [entry for entry in entries if entry[1] not in self._dropped]
        for entry in kept:
            heappush(self._waiting, entry)
        self._dropped.clear()
        return [entry[2] for entry in kept]

    def _under_way(self) -> list[Entry]:
        return [] if self._current is None else [self._current, *self._rivals]

    def _finish(self) -> None:
        """The event of a frame's end."""
        if self._late:
            self._hear_late(self.kernel.now_us)
        if self._current is None or self._spoilt or self._start_us < self._disturbed_until_us:
            self._fail()
        else:
            self._complete(self._end_us)

    def _complete(self, now_us: int) -> None:
        """The frame under way ended well at ``now_us``."""
        entry = self._current
        assert entry is not None
        _, _, node, frame = entry
        node.pending -= 1
        self._frames_total += 1
        next_us = now_us + self._gap_us
        self._occupy(now_us, next_us - self._start_us)
        if self._rivals:
            self._settle_rivals(frame)
        for tap in self._taps:
            tap(now_us, node.name, frame)
        route = node.routes.get(frame.identifier) or self._route(node, frame.identifier)
        for listener in route[0]:
            listener.receive(now_us, frame)
        if self._counting:
            self._count_success(node)
        self._next(next_us)

    def _is_patient(self, sender: Node, identifier: int) -> bool:
        """Whether nobody has to hear of this frame at the very instant of its end."""
        return (sender.routes.get(identifier) or self._route(sender, identifier))[1]

    @staticmethod
    def _route(sender: Node, identifier: int) -> Route:
        """Those who want this identifier, remembered: an acceptance filter costs once."""
        if len(sender.routes) >= ROUTES_LIMIT:
            sender.routes.clear()
        found = tuple(n for n in sender.listeners if n.accept is None or n.accept(identifier))
        route = found, all(node.patient for node in found)
        sender.routes[identifier] = route
        return route

    def _fail(self) -> None:
        """The end of a frame that went wrong: everybody counts, its senders try again."""
        now_us = self.kernel.now_us
        text = f"{self._spoilt or 'disturbed'}: {', '.join(e[2].name for e in self._under_way())}"
        senders = self._put_back()
        for node in self._nodes:
            if node in senders:
                node.failed()
            elif node.live:
                node.rec += 1
        next_us = now_us + self._error_us
        self._occupy(now_us, next_us - self._start_us)
        self.note_errors(1, text)
        for node in self._nodes:
            node.refresh()
        self._sort_waiting()
        self._next(next_us)

    def _meet(self, entry: Entry) -> Entry:
        """Others begin the same identifier at once: who goes on, and with whom."""
        same = [one for one in self._waiting if one[0] == entry[0] and one[2] is not entry[2]]
        if not same:
            return entry
        first: dict[Node, Entry] = {entry[2]: entry}
        for one in sorted(same, key=_order):
            first.setdefault(one[2], one)
        # A dominant bit wins: the shorter frame first, then the lower data.
        contenders = sorted(first.values(), key=lambda one: (len(one[3].data), one[3].data))
        self._waiting = [one for one in self._waiting if first.get(one[2]) is not one]
        heapify(self._waiting)
        winner, *self._rivals = contenders
        if any(
            one[3].data != winner[3].data and one[2].state is not ControllerState.ERROR_PASSIVE
            for one in self._rivals
        ):
            self._spoilt = "collision"
        return winner

    def _settle_rivals(self, frame: Frame) -> None:
        """Those who sent the same bits are done; those who lost the data count and wait."""
        rivals, self._rivals = self._rivals, []
        for rival in rivals:
            if rival[3].data == frame.data:
                rival[2].pending -= 1
            else:
                rival[2].failed()
                self._counting = True
                heappush(self._waiting, rival)

    def _count_success(self, sender: Node) -> None:
        sender.sent()
        for node in sender.peers:
            node.received()
        for node in self._nodes:
            node.refresh()
        self._counting = any(node.tec or node.rec for node in self._nodes)

    def _occupy(self, now_us: int, duration_us: int) -> None:
        slot = now_us // _SLOT_US
        if slot != self._slot:
            self._slots.append((self._slot, self._slot_busy_us))
            self._slot = slot
            self._slot_busy_us = 0
        self._slot_busy_us += duration_us


def _order(entry: Entry) -> tuple[int, int]:
    """Key, then order of asking."""
    return entry[:2]
