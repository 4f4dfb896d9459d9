"""NMEA 2000: address and name, services that others ask for, and what is told every 1.5 s."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bms.address import NONE, Address
from bms.codes import State
from bms.firmware import Firmware, Room, Slot, TableSlot, milliseconds, seconds
from bms.io import CanFrame, ControllerState, Frame, Port
from bms.port_status import Nmea2000Status, SettingsStatus
from bms.reassembly import Broadcasts, FastPackets
from bms.reception import EveryFrame, ReceptionPolicy
from bms.status import View
from bms.wire import group_function, nmea2000
from bms.wire.group_function import GroupFunction

Codes = tuple[int, int, tuple[int, ...]]  # of an acknowledge: PGN, interval, fields

PERIOD_US = milliseconds(1500)
INTERVALS_US = range(seconds(1), seconds(60) + 1)  # chosen: of a heartbeat, if one is asked for
SEQUENCES, BEATS = 253, 253  # the numbers above are reserved
NOMINAL_CELL_V: Mapping[str, float] = {"LFP": 3.2, "NMC": 3.65}  # public: usual
SENT = (
    nmea2000.ADDRESS_CLAIM,
    nmea2000.PGN_LIST,
    nmea2000.PRODUCT_INFORMATION,
    nmea2000.CONFIGURATION_INFORMATION,
    nmea2000.DC_DETAILED_STATUS,
    nmea2000.BATTERY_STATUS,
    nmea2000.BATTERY_CONFIGURATION,
)
UNDERSTOOD = (
    nmea2000.ISO_REQUEST,
    nmea2000.ADDRESS_CLAIM,
    nmea2000.COMMANDED_ADDRESS,
    group_function.GROUP_FUNCTION,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """As what the device introduces itself: manufacturer code, product code, model, maker.

    The product code None: that of the board.
    """

    manufacturer: int
    product_code: int | None
    model: str
    maker: str


LYNX_ION_BMS = Identity(358, None, "Lynx Ion BMS", "Victron Energy")
# Public: MG's code, and the type id of its masters (communication guide, 0x35F).
MASTER_LV = Identity(1160, 15003, "Master LV", "MG Energy Systems")


@dataclass(frozen=True, slots=True)
class Commanded:
    """A field of a PGN that a group function can command: which setting, and which bits of it."""

    setting: str
    shift: int = 0
    mask: int = 0xFF
    length: int = 1  # bytes; TEXT for the device's name, which is stored as it is


COMMANDS = {
    (nmea2000.ADDRESS_CLAIM, 3): Commanded("device_instance", 0, 0x07),
    (nmea2000.ADDRESS_CLAIM, 4): Commanded("device_instance", 3, 0xF8),
    (nmea2000.ADDRESS_CLAIM, 8): Commanded("system_instance", 0, 0x0F),
    (nmea2000.DC_DETAILED_STATUS, 2): Commanded("data_instance"),
    (nmea2000.BATTERY_STATUS, 1): Commanded("data_instance"),
    (nmea2000.CONFIGURATION_INFORMATION, 1): Commanded("device_name", length=group_function.TEXT),
    (nmea2000.CONFIGURATION_INFORMATION, 2): Commanded("device_place", length=group_function.TEXT),
}


class Nmea2000(Room):
    """Keeps an address, answers requests and group functions, tells of the battery."""

    reception = Slot[type[ReceptionPolicy]](EveryFrame)
    identities = TableSlot[int, Identity]({0: LYNX_ION_BMS, 1: MASTER_LV})
    commands = TableSlot[tuple[int, int], Commanded](COMMANDS)
    heartbeat_us = Slot[int | None](seconds(60))  # public: the standard's; None: there is none
    soh_of = Slot(frozenset({"RS"}))  # families

    def __init__(self, firmware: Firmware, serial: str) -> None:
        super().__init__(firmware)
        self._reception = self.reception()
        self._unique = nmea2000.unique_number(serial)
        self._address = Address(b"")
        self._identity = LYNX_ION_BMS
        self._settings: SettingsStatus | None = None
        self._off_bus = False
        self._groups, self._broadcasts = FastPackets(), Broadcasts()
        self._due_us = self._beat_due_us = 0
        self._beat_us = self.heartbeat_us or 0
        self._beats = self._sequence = 0
        self._numbers: dict[int, int] = {}  # of the last fast packet, by PGN
        self._idle = Nmea2000Status()

    @property
    def due_us(self) -> int:
        """When it next tells something of its own accord."""
        return min(self._due_us, self._beat_due_us) if self._beat_us else self._due_us

    def waits(self) -> bool:
        """While it claims its address, or has lost the bus."""
        return self._off_bus or not self._address.settled

    def step(self, now_us: int, view: View) -> Nmea2000Status:
        """One step; between control steps only what came in is answered."""
        received = [one for one in view.inputs.received if one.port is Port.VE_CAN]
        known = view.settings is self._settings
        if known and not (received or view.control or now_us >= self.due_us or self.waits()):
            return self._idle
        if not known:
            self._introduce(view)
        heard = _Heard()
        for time_us, _, frame in received:
            if self._reception.keeps(time_us) and frame.extended:
                self._hear(frame, view, heard)
        self._off_bus = view.inputs.controllers.get(Port.VE_CAN) is ControllerState.BUS_OFF
        if self._off_bus:
            self._address.lose()
        else:
            heard.sent += self._address.due_claim(now_us)
            if view.looks:
                self._address.settle(now_us)
        address = self._address.value
        ready = self._address.settled and address != NONE
        if ready and view.looks and view.start_stop.state is not State.STANDBY:
            self._speak(now_us, view, heard.sent)
        if (address, ready) != (self._idle.address, self._idle.ready):
            self._idle = Nmea2000Status(address=address, ready=ready)
        if not (heard.sent or heard.settings or heard.texts):
            return self._idle
        return Nmea2000Status(
            address=address,
            ready=ready,
            sent=tuple(heard.sent),
            settings=tuple(heard.settings),
            texts=tuple(heard.texts),
        )

    def _introduce(self, view: View) -> None:
        """The settings have changed: who it is, and its NAME; a new one is claimed with."""
        self._settings = view.settings
        values = view.settings.values
        self._identity = self.identities[values.get("identity", 0)]
        name = nmea2000.Name(
            unique=self._unique,
            manufacturer=self._identity.manufacturer,
            device_instance=values["device_instance"],
            system_instance=values["system_instance"],
        )
        self._address.rename(name.pack())

    def _hear(self, frame: CanFrame, view: View, heard: "_Heard") -> None:
        pgn = nmea2000.pgn_of(frame)
        if pgn == nmea2000.ADDRESS_CLAIM:
            answer = self._address.hear(nmea2000.source_of(frame), frame.data)
            heard.sent += [] if answer is None else [answer]
        elif pgn in {Broadcasts.CONTROL, Broadcasts.DATA}:
            message = self._broadcasts.push(frame)
            if message is not None and message[0] == nmea2000.COMMANDED_ADDRESS:
                self._address.command(message[1])
        elif nmea2000.destination_of(frame) not in {self._address.value, nmea2000.BROADCAST}:
            return
        elif pgn == nmea2000.ISO_REQUEST and len(frame.data) >= 3:
            self._answer(int.from_bytes(frame.data[:3], "little"), frame, view, heard.sent)
        elif pgn == group_function.GROUP_FUNCTION:
            data = self._groups.push(frame)
            if data is not None:
                self._serve(data, frame, view, heard)

    def _answer(self, pgn: int, request: CanFrame, view: View, sent: list[Frame]) -> None:
        """Send what was asked for; what is never sent is refused to who asked us alone."""
        if pgn == nmea2000.ADDRESS_CLAIM:
            sent.append(self._address.claim())
            return
        if self._address.value == NONE:
            return
        frames = self._frames_of(pgn, view)
        if frames is not None:
            sent += frames
        elif nmea2000.destination_of(request) != nmea2000.BROADCAST:
            asker = nmea2000.source_of(request)
            sent.append(nmea2000.iso_refusal(self._address.value, asker, pgn))

    def _frames_of(self, pgn: int, view: View) -> tuple[Frame, ...] | None:
        """A PGN as it is told to who asks for it; None for one that it does not have."""
        match pgn:
            case nmea2000.PRODUCT_INFORMATION:
                return self._packet(pgn, self._product(view))
            case nmea2000.CONFIGURATION_INFORMATION:
                told = view.settings.texts
                texts = told["device_name"], told["device_place"], self._identity.maker
                return self._packet(pgn, nmea2000.configuration_information(texts))
            case nmea2000.PGN_LIST:
                sent = (*SENT, nmea2000.HEARTBEAT) if self.heartbeat_us else SENT
                lists = nmea2000.pgn_list(0, sent), nmea2000.pgn_list(1, UNDERSTOOD)
                return tuple(frame for data in lists for frame in self._packet(pgn, data))
            case nmea2000.DC_DETAILED_STATUS:
                return self._detailed_status(view)
            case nmea2000.BATTERY_STATUS:
                return self._battery_status(view)
            case nmea2000.BATTERY_CONFIGURATION:
                return self._packet(pgn, self._battery_configuration(view))
            case nmea2000.HEARTBEAT if self.heartbeat_us:
                return (self._heartbeat(),)
            case _:
                return None

    def _packet(self, pgn: int, data: bytes) -> tuple[Frame, ...]:
        """A fast packet to everybody, with the next number of its PGN."""
        identifier = nmea2000.identifier(pgn, self._address.value)
        return nmea2000.fast_packet(identifier, data, self._next_number(pgn))

    def _next_number(self, pgn: int) -> int:
        number = self._numbers[pgn] = (self._numbers.get(pgn, -1) + 1) & 7
        return number

    def _product(self, view: View) -> bytes:
        who, hardware = self._identity, view.hardware
        code = view.board.product_id if who.product_code is None else who.product_code
        release = f"{view.version[0]}.{view.version[1]:02}"
        rating = f"{hardware.current_max_a:.0f} A" if view.board.known else ""
        return nmea2000.product_information(code, (who.model, release, rating, view.serial))

    @staticmethod
    def _battery_configuration(view: View) -> bytes:
        system, nominal_v = view.registration, 0.0
        if system.type is not None:
            cell_v = NOMINAL_CELL_V[system.type.chemistry]
            nominal_v = system.type.cells * system.series * cell_v
        instance = view.settings.values["data_instance"]
        return nmea2000.battery_configuration(instance, nominal_v, system.capacity_ah)

    def _heartbeat(self) -> Frame:
        self._beats = (self._beats + 1) % BEATS
        source = self._address.value
        identifier = nmea2000.identifier(nmea2000.HEARTBEAT, source, priority=7)
        return Frame(identifier, nmea2000.heartbeat(self._beat_us, self._beats))

    def _serve(self, data: bytes, frame: CanFrame, view: View, heard: "_Heard") -> None:
        """A group function; to everybody it is obeyed, but not answered."""
        asked = group_function.read(data, self._length_of)
        if asked is None or self._address.value == NONE:
            return
        if asked.function == group_function.REQUEST:
            codes = self._request(asked, view, heard)
        else:
            codes = self._command(asked, view, heard)
        if nmea2000.destination_of(frame) != nmea2000.BROADCAST:
            answer = group_function.acknowledge(asked.pgn, *codes)
            heard.sent += nmea2000.fast_packet(
                nmea2000.identifier(
                    group_function.GROUP_FUNCTION,
                    self._address.value,
                    nmea2000.source_of(frame),
                    group_function.PRIORITY,
                ),
                answer,
                self._next_number(group_function.GROUP_FUNCTION),
            )

    def _length_of(self, pgn: int, number: int) -> int | None:
        field = self.commands.get((pgn, number))
        return None if field is None else field.length

    def _request(self, asked: GroupFunction, view: View, heard: "_Heard") -> Codes:
        """Others ask for a PGN, or for another interval of the heartbeat."""
        interval_code = group_function.OK
        fields = tuple(group_function.INVALID_FIELD for _ in asked.fields)
        if asked.interval_ms != group_function.SAME_INTERVAL:
            interval_code = group_function.INTERVAL_NOT_SUPPORTED
            standard_us = self.heartbeat_us
            if asked.pgn == nmea2000.HEARTBEAT and standard_us is not None:
                standard = asked.interval_ms == group_function.STANDARD_INTERVAL
                interval_us = standard_us if standard else milliseconds(asked.interval_ms)
                if interval_us in INTERVALS_US:
                    interval_code = group_function.OK
                    if not fields:
                        self._beat_us, self._beat_due_us = interval_us, 0
        if interval_code or fields:
            return group_function.OK, interval_code, fields
        frames = self._frames_of(asked.pgn, view)
        if asked.pgn == nmea2000.ADDRESS_CLAIM:
            frames = (self._address.claim(),)
        if frames is None:
            return group_function.PGN_NOT_SUPPORTED, group_function.OK, ()
        heard.sent += frames
        return group_function.OK, group_function.OK, ()

    def _command(self, asked: GroupFunction, view: View, heard: "_Heard") -> Codes:
        """Others command fields of a PGN; each is checked here and taken by the settings."""
        if not any(pgn == asked.pgn for pgn, _ in self.commands):
            code = group_function.PGN_COMMAND_NOT_SUPPORTED
            return code, group_function.OK, (group_function.OK,) * len(asked.fields)
        values = dict(view.settings.values)
        codes = []
        for number, raw in asked.fields:
            field = self.commands.get((asked.pgn, number))
            code = group_function.INVALID_FIELD
            if field is not None and raw is not None:
                code = self._take(field, raw, values, view, heard)
            codes.append(code)
        return group_function.OK, group_function.OK, tuple(codes)

    @staticmethod
    def _take(
        field: Commanded, raw: bytes, values: dict[str, int], view: View, heard: "_Heard"
    ) -> int:
        """One field; an instance may be made of two."""
        if field.length == group_function.TEXT:
            text = group_function.read_text(raw)
            if text is None or not view.settings.takes_text(text):
                return group_function.OUT_OF_RANGE
            heard.texts.append((field.setting, text))
            return group_function.OK
        code = values[field.setting] & ~field.mask | raw[0] << field.shift
        if raw[0] << field.shift & ~field.mask or not view.settings.takes(field.setting, code):
            return group_function.OUT_OF_RANGE
        values[field.setting] = code
        heard.settings.append((field.setting, code))
        return group_function.OK

    def _speak(self, now_us: int, view: View, sent: list[Frame]) -> None:
        """What is told unasked."""
        if self._beat_us and now_us >= self._beat_due_us:
            self._beat_due_us = now_us + self._beat_us
            sent.append(self._heartbeat())
        if now_us >= self._due_us:
            self._due_us = now_us + PERIOD_US
            self._sequence = (self._sequence + 1) % SEQUENCES
            sent += self._battery_status(view)
            sent += self._detailed_status(view)

    def _battery_status(self, view: View) -> tuple[Frame, ...]:
        """The pack, its lowest and its highest cell, in three instances; none without a voltage."""
        inputs, protection, temperatures = view.inputs, view.protection, view.temperatures
        first, source = view.settings.values["data_instance"], self._address.value
        pack = inputs.system_voltage_v, inputs.current_a, temperatures.highest_c
        lowest = protection.lowest_cell_v, None, temperatures.lowest_c
        highest = protection.highest_cell_v, None, temperatures.highest_c
        return tuple(
            nmea2000.battery_status(source, first + index, readings, self._sequence)
            for index, readings in enumerate((pack, lowest, highest))
            if readings[0] == readings[0]
        )

    def _detailed_status(self, view: View) -> tuple[Frame, ...]:
        soc = view.soc
        told = [
            battery.soh_pct
            for battery in view.battery_bus.batteries
            if battery.soh_pct is not None and battery.type.family in self.soh_of
        ]
        soh_pct = min(told, default=None)
        values = soc.soc_pct, soh_pct, view.time_to_go.minutes, soc.remaining_ah
        instance = view.settings.values["data_instance"]
        return nmea2000.detailed_status(self._address.value, instance, values, self._sequence)


@dataclass(slots=True)
class _Heard:
    """What the frames of one step asked for, and what is sent."""

    sent: list[Frame] = field(default_factory=list)
    settings: list[tuple[str, int]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
