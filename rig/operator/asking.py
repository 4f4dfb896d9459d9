"""Who answers what an attempt asks: a technician, what the scenario states, or nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rig.clock import monotonic_us, unix_ms, utc_now
from rig.errors import NotOnThisBench
from rig.operator.questions import (
    CANNOT,
    End,
    Outcome,
    Question,
    conclude,
    outcome_of,
    put,
    questions,
    waiting_for,
)

LOOK_S = 0.2  # chosen: a person does not notice
LONGEST = 500  # characters: what a terminal and a page show in one piece
ANSWER_WITHIN_S = 600.0  # chosen: a technician comes from the next room, and does it
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToAsk:
    """What a scenario asks. Raises ValueError for what nobody could answer.

    `simulated` is the answer where there are models instead of a technician, and `acting` what is
    done there, before that answer is given.
    """

    text: str
    choices: tuple[str, ...] = ("done",)
    timeout_s: float = ANSWER_WITHIN_S
    simulated: str | None = None
    acting: Callable[[], Awaitable[object]] | None = None

    def __post_init__(self) -> None:
        if not self.text.strip() or "\n" in self.text or len(self.text) > LONGEST:
            raise ValueError(f"ask({self.text!r}): allowed: one line of 1 to {LONGEST} characters")
        names = [choice for choice in self.choices if choice == choice.strip() != ""]
        if not names or sorted(set(names)) != sorted(self.choices) or CANNOT in names:
            allowed = f"different texts, and not {CANNOT!r}, which is always there"
            raise ValueError(f"ask(choices={self.choices!r}): allowed: {allowed}")
        if not self.timeout_s > 0.0:
            raise ValueError(f"ask(timeout_s={self.timeout_s!r}): allowed: more than 0")
        if self.simulated is not None and self.simulated not in self.choices:
            raise ValueError(f"ask(simulated={self.simulated!r}): allowed: one of {self.choices}")
        if self.acting is not None and self.simulated is None:
            raise ValueError("ask(acting=...): allowed: with simulated=, the answer after it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The choice that was made, by whom and when (ISO 8601, UTC)."""

    choice: str
    by: str
    utc: str


class Operator(Protocol):
    """Who can be asked."""

    async def ask(self, asked: ToAsk) -> Answer:
        """What was answered. Raises NotOnThisBench where there is no operator."""
        ...


class Ask:
    """`bench.ask`: asks for a technician's hand or eye."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    async def __call__(
        self,
        question: str,
        choices: Sequence[str] = ("done",),
        *,
        timeout_s: float = ANSWER_WITHIN_S,
        simulated: str | None = None,
        acting: Callable[[], Awaitable[object]] | None = None,
    ) -> str:
        """Ask, and wait; the choice that was made.

        In a lab it is asked on the terminal of the run, and for `hil answer`. On a bench of models
        ``acting`` is done and ``simulated`` is the answer. Raises NotOnThisBench ("no operator")
        where nobody answers in time, in a night at once, and on models without ``simulated``; and
        where a technician says that it cannot be done. What is switched on stays on meanwhile.
        """
        asked = ToAsk(
            text=question,
            choices=tuple(choices),
            timeout_s=timeout_s,
            simulated=simulated,
            acting=acting,
        )
        return (await self._operator.ask(asked)).choice


class Nobody:
    """Nobody is there, and nobody is waited for."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def ask(self, asked: ToAsk) -> Answer:
        """Raises NotOnThisBench."""
        raise NotOnThisBench(f"no operator: {self._why}: {asked.text}")


class Stated:
    """A bench of models: what the scenario states for it is done, and answered."""

    def __init__(self, note: Note) -> None:
        self._note = note

    async def ask(self, asked: ToAsk) -> Answer:
        """The stated answer. Raises NotOnThisBench where there is none."""
        if asked.simulated is None:
            raise NotOnThisBench(f"no operator: models have no hands: {asked.text}")
        self._note(f"asked: {asked.text}")
        if asked.acting is not None:
            await asked.acting()
        self._note(f"answered: {asked.simulated}, as the scenario states for models")
        return Answer(choice=asked.simulated, by="the scenario", utc=utc_now())


class Technician:
    """Somebody who reads the terminal of the run, or another one of the machine.

    ``folder``: of the run's questions. A question that was in vain is not asked again in the run.
    """

    def __init__(self, folder: Path, attempt: str, note: Note) -> None:
        self._folder, self._attempt, self._note = folder, attempt, note

    async def ask(self, asked: ToAsk) -> Answer:
        """Wait for the answer. Raises NotOnThisBench if none comes, or if it cannot be done."""
        self._refuse_again(asked)
        question = put(
            self._folder,
            attempt=self._attempt,
            text=asked.text,
            choices=asked.choices,
            asked=utc_now(),
            until_ms=unix_ms() + round(1000 * asked.timeout_s),
        )
        self._note(f"asked: {asked.text}")
        try:
            with waiting_for(self._folder, question.id):
                outcome = await self._answer(question, asked.timeout_s)
        finally:  # an interrupted attempt asks nothing any more
            conclude(self._folder, question.id, Outcome(end=End.WITHDRAWN, utc=utc_now()))
        if outcome.end is not End.ANSWERED:
            self._note(f"{outcome.end}: nobody answered")
            raise NotOnThisBench(f"no operator: {_in_vain(outcome, asked.timeout_s)}: {asked.text}")
        self._note(f"answered: {outcome.choice}, by {outcome.by} on {outcome.utc}, {outcome.via}")
        if outcome.choice == CANNOT:
            raise NotOnThisBench(f"{outcome.by} cannot: {asked.text}")
        return Answer(choice=outcome.choice, by=outcome.by, utc=outcome.utc)

    async def _answer(self, question: Question, timeout_s: float) -> Outcome:
        until_us = monotonic_us() + round(1e6 * timeout_s)
        while (outcome := outcome_of(self._folder, question.id)) is None:
            if monotonic_us() >= until_us:
                late = Outcome(end=End.TIMED_OUT, utc=utc_now())
                if conclude(self._folder, question.id, late):
                    return late
                continue  # somebody was faster by a moment
            await asyncio.sleep(LOOK_S)
        return outcome

    def _refuse_again(self, asked: ToAsk) -> None:
        for earlier in questions(self._folder):
            if earlier.text != asked.text:
                continue
            outcome = outcome_of(self._folder, earlier.id)
            if outcome is not None and outcome.end is End.TIMED_OUT:
                raise NotOnThisBench(
                    f"no operator: asked on {earlier.asked} already, in vain: {asked.text}"
                )
            if outcome is not None and outcome.choice == CANNOT:
                raise NotOnThisBench(f"{outcome.by} cannot, on {outcome.utc}: {asked.text}")


def _in_vain(outcome: Outcome, timeout_s: float) -> str:
    if outcome.end is End.WITHDRAWN:
        return "the question was withdrawn"
    return f"nobody answered within {timeout_s:g} s"
