"""The models as the fuzzer sees them: what may switch each on, by hand from its manual."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ANY = re.compile(r".*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One model as the fuzzer sees it.

    ``switches`` maps the headers that may switch it on to what their data must hold for that;
    None: something that means on. ``off`` switches it off whatever it was told before, ``ready``
    lets it be told to switch on, and ``on`` tells it, now and then.
    """

    model: str
    switches: Mapping[str, re.Pattern[str] | None] = field(default_factory=dict)
    off: tuple[bytes, ...] = ()
    ready: tuple[bytes, ...] = ()
    on: bytes = b"OUTP ON"
    words: tuple[str, ...] = ()
    language: str | None = None
    end: bytes = b"\n"

    @property
    def name(self) -> str:
        """The model, and its language if it has several."""
        return self.model if self.language is None else f"{self.model} {self.language}"


_OUTPUT: Mapping[str, re.Pattern[str] | None] = {r"OUTP(UT)?(:STAT(E)?)?": None}
_RECALL: Mapping[str, re.Pattern[str] | None] = {r"\*RCL": ANY}
GEN_WORDS = (
    *("ADR 6", "RMT", "PV", "PC", "OVP", "UVL", "UVP", "OUT", "FLD", "FBD", "FBDRST", "RIE", "AST"),
    *("PV?", "PC?", "MV?", "MC?", "DVC?", "STT?", "OVP?", "UVL?", "OUT?", "FLD?", "MODE?", "IDN?"),
    *("REV?", "SN?", "DATE?", "FLT?", "FENA", "FEVE?", "STAT?", "SENA", "SEVE?", "CLS", "RST"),
    *("SAV", "RCL", "OVM", "LFP", "FILTER", "MS?", "PMS?", "\\", "$A1", "\x08", "HELP?"),
)
SIMSERV_WORDS = (
    *("11001", "11002", "11004", "11066", "11068", "11070", "11072", "14001", "10012", "17002"),
    *("17007", "17009", "17012", "19014", "99997", "\xb61", "\xb61\xb61", "\xb61\xb640.0", "\xb6"),
)
P300_WORDS = (
    *("TEMP?", "TEMP, S", "TEMP,S40.0 H90.0 L-40.0", "MODE,", "CONSTANT", "STANDBY", "OFF", "MON?"),
    *("ALARM?", "POWER,ON", "POWER,OFF", "ROM?", "TYPE?", "MODE?", "HUMI?", "SET?", "DATE?"),
)

SUBJECTS: tuple[Subject, ...] = (
    Subject(
        model="psb10000",
        switches=_OUTPUT,
        off=(b"SYST:LOCK ON", b"OUTP OFF", b"SYST:LOCK OFF"),
        ready=(b"SYST:LOCK ON", b"SYST:ERR?"),
    ),
    Subject(
        model="rp7900",
        switches=_OUTPUT | _RECALL,
        off=(b"OUTP OFF",),
        ready=(b"OUTP:PROT:CLE",),
    ),
    Subject(
        model="it6000c",
        switches=_OUTPUT | _RECALL,
        off=(b"SYST:REM", b"OUTP OFF"),
        ready=(b"SYST:REM", b"OUTP:PROT:CLE", b"PROT:CLE"),
    ),
    Subject(
        model="genesys",
        switches=_OUTPUT | _RECALL,
        off=(b"SYST:SET REM", b"OUTP OFF"),
        ready=(b"OUTP:PROT:CLE",),
    ),
    Subject(
        model="genesys",
        language="gen",
        switches={"OUT": None, "RCL": ANY},
        off=(b"ADR 6", b"RMT 1", b"OUT 0"),
        ready=(b"ADR 6", b"RMT 1"),
        on=b"OUT 1",
        words=GEN_WORDS,
        end=b"\r",
    ),
    Subject(
        model="n5767a",
        switches=_OUTPUT | _RECALL,
        off=(b"SYST:COMM:RLST REM", b"OUTP OFF"),
        ready=(b"SYST:COMM:RLST REM", b"OUTP:PROT:CLE"),
    ),
    Subject(
        model="dp832",
        switches=_OUTPUT | _RECALL | {r"(TIME|TIMER|DELAY|DELA)(:STAT(E)?)?": None},
        off=(b"OUTP CH1,OFF", b"OUTP CH2,OFF", b"OUTP CH3,OFF"),
        on=b"OUTP CH2,ON",
    ),
    Subject(
        model="chroma62012p",
        switches={r"CONF(IGURE)?:OUTP(UT)?": None, r"PROG(RAM)?:RUN": None} | _RECALL,
        off=(b"PROG:RUN OFF", b"CONF:OUTP OFF"),
        ready=(b"CONF:REM ON",),
        on=b"CONF:OUTP ON",
    ),
    Subject(
        model="chroma63206a",
        switches={r"LOAD(:STAT(E)?)?": None, "RUN": ANY, r"LOAD:SHOR(T)?(:STAT(E)?)?": None}
        | _RECALL,
        off=(b"LOAD OFF",),
        ready=(b"LOAD:PROT:CLE", b"MODE CCL"),
        on=b"LOAD ON",
    ),
    Subject(
        model="dl3021",
        # Arming the transient function with the input off switches it on, as the guide warns.
        switches={
            r"(SOUR(CE)?:)?INP(UT)?(:STAT(E)?)?": None,
            r"(SOUR(CE)?:)?TRAN(SIENT)?(:STAT(E)?)?": None,
        }
        | _RECALL,
        off=(b":SOUR:TRAN OFF", b":SOUR:INP OFF"),
        on=b":SOUR:INP ON",
    ),
    Subject(
        model="daq970a",
        switches={r"(ROUT(E)?:)?CLOS(E)?(:EXCL(USIVE)?)?": ANY} | _RECALL,
        off=(b"*RST",),
        on=b"ROUT:CLOS (@201)",
    ),
    Subject(model="truevolt34465a", on=b"READ?"),
    Subject(model="dmm6500", on=b"READ?"),
    Subject(model="simserv", words=SIMSERV_WORDS, end=b"\r", on=b"14001\xb61\xb61\xb61"),
    Subject(model="p300", words=P300_WORDS, end=b"\r\n", on=b"MODE,CONSTANT"),
)
