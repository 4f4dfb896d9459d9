"""The simulated CAN bus: who may speak, how long it takes, who hears it, and what goes wrong.

Rules of this file:
- One event a frame, at its end: then it is delivered and the next one chosen. A frame asked for in
  the very microsecond in which another begins still takes part in that arbitration.
- All that waits stands in one heap by (arbitration key, order of asking); the key puts a standard
  frame before an extended one of the same base, as the wire does.
- An error shows at the end of the frame that it hits; an error frame follows, then a new attempt.
- Two nodes that begin the same identifier at once: same data is one frame; else both err, until
  the one that would lose the data is error passive and cannot disturb the other any more.
- `bitrate` is the wire's. A node of another rate hears nobody of it; when it speaks, its own frame
  and one under way are destroyed. Two of a foreign rate among themselves understand each other.
- Left out: overload and remote frames, suspended transmission, errors that only one node sees.
"""

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush

from rig.can.frame import Frame
from rig.can.node import ControllerState, Entry, Node, Receive
from rig.can.timing import ERROR_BITS, INTERMISSION_BITS, bits_us
from rig.kernel import BUS, Kernel, Scheduled

Tap = Callable[[int, str, Frame], None]
ErrorTap = Callable[[int, str], None]

_SLOT_US = 10_000
"""Resolution of the load; 1000 slots are kept."""


ROUTES_LIMIT = 4096  # identifiers that one sender is remembered by


class Bus:
    """A wire with its nodes and its observers."""

    def __init__(self, kernel: Kernel, name: str, bitrate: int) -> None:
        self.kernel = kernel
        self.name = name
        self.bitrate = bitrate
        self.frames_total = 0
        self.errors_total = 0
        self._gap_us = bits_us(INTERMISSION_BITS, bitrate)
        self._error_us = bits_us(ERROR_BITS, bitrate)
        self._nodes: list[Node] = []
        self._taps: tuple[Tap, ...] = ()
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

    def watch(self, tap: Tap) -> None:
        """Have every completed frame: time, sender's name, frame. A tap acknowledges nothing."""
        self._taps = (*self._taps, tap)

    def watch_errors(self, tap: ErrorTap) -> None:
        """Have every error frame: time, and `reason: senders`."""
        self._error_taps = (*self._error_taps, tap)

    def disturb(self, duration_us: int) -> None:
        """Glitches for a while: what is under way or begins meanwhile ends in an error frame."""
        until_us = self.kernel.now_us + duration_us
        self._disturbed_until_us = max(self._disturbed_until_us, until_us)

    def load_pct(self, window_us: int) -> float:
        """Share of the last ``window_us`` that frames, error frames and their gaps occupied.

        In slots of 10 ms, up to 10 s back; a frame counts whole in the slot in which it ended.
        """
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
        entry = self.entry(node, frame)
        current = self._current
        now_us = self.kernel.now_us
        if current is None:
            free_us = self._free_from_us
            self._begin(entry, free_us if free_us > now_us else now_us)
            return
        heappush(self._waiting, entry)
        if now_us <= self._start_us:
            if entry[0] < current[0] or (entry[0] == current[0] and node is not current[2]):
                self._arbitrate_again()
        elif node.foreign:
            self._spoilt = "bit rate"

    def drop(self, node: Node) -> None:
        """Forget what waits of a node; a frame of it under way will not be tried again."""
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
        live = [node for node in self._nodes if node.live]
        native = any(node.bitrate == self.bitrate for node in live)
        for node in self._nodes:
            peers = [other for other in live if other is not node and other.bitrate == node.bitrate]
            node.foreign = native and node.bitrate != self.bitrate
            node.heard = node.live and (bool(peers) or node.foreign)
            node.peers = tuple(peers)
            node.listeners = tuple(other for other in node.peers if other.wants_frames)
            node.routes.clear()
        self._sort_waiting()
        if self._current is None:
            self._next(max(self.kernel.now_us, self._free_from_us))
        elif not all(entry[2].heard for entry in self._under_way()):
            self._spoilt = "broken off"

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
        end_us = start_us + node.durations_us[frame.extended][len(frame.data)]
        self._end = self.kernel.at(end_us, self._on_end, BUS)

    def _next(self, start_us: int) -> None:
        waiting = self._waiting
        if waiting:
            self._begin(heappop(waiting), start_us)
        else:
            self._current = None
            self._free_from_us = start_us

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
        """The end of a frame."""
        entry = self._current
        if entry is None or self._spoilt or self._start_us < self._disturbed_until_us:
            self._fail()
            return
        now_us = self.kernel.now_us
        node = entry[2]
        frame = entry[3]
        node.pending -= 1
        self.frames_total += 1
        next_us = now_us + self._gap_us
        self._occupy(next_us - self._start_us)
        if self._rivals:
            self._settle_rivals(frame)
        for tap in self._taps:
            tap(now_us, node.name, frame)
        for listener in self._addressees(node, frame.identifier):
            listener.receive(now_us, frame)
        if self._counting:
            self._count_success(node)
        self._next(next_us)

    @staticmethod
    def _addressees(sender: Node, identifier: int) -> tuple[Node, ...]:
        """Those who want this identifier, remembered: an acceptance filter costs once."""
        found = sender.routes.get(identifier)
        if found is None:
            if len(sender.routes) >= ROUTES_LIMIT:
                sender.routes.clear()
            found = tuple(n for n in sender.listeners if n.accept is None or n.accept(identifier))
            sender.routes[identifier] = found
        return found

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
        self._occupy(next_us - self._start_us)
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

    def _occupy(self, duration_us: int) -> None:
        slot = self.kernel.now_us // _SLOT_US
        if slot != self._slot:
            self._slots.append((self._slot, self._slot_busy_us))
            self._slot = slot
            self._slot_busy_us = 0
        self._slot_busy_us += duration_us


def _order(entry: Entry) -> tuple[int, int]:
    """Key, then order of asking."""
    return entry[:2]
