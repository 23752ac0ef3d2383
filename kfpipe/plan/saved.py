"""A plan on record: each step with all that it depends on, its JSON form, and what has changed since. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from kfpipe.domain import MediaRole
from kfpipe.files.scalars import decimal_text, parse_decimal
from kfpipe.lock.codec import parameters_from_json, parameters_to_json, variant_from_json, variant_to_json
from kfpipe.lock.records import Record
from kfpipe.lock.states import ABSENT, state_name, task_of
from kfpipe.plan.diff import SHORT_DIGEST, Difference, MediumRef, RequestShape, between, shape_of
from kfpipe.plan.model import Action, Step
from kfpipe.wording import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorState:
    """What is on record of a take: the key and state of the request that it stands by."""

    state: str
    key: str
    fingerprint: str
    task_id: str | None

    @property
    def text(self) -> str:
        """`rendered (1a2b3c4d)`, with the beginning of the task's id."""
        return self.state if self.task_id is None else f"{self.state} ({self.task_id[:SHORT_DIGEST]})"


def prior_state_of(record: Record | None) -> PriorState | None:
    """The state of a take by its record; None when it has none."""
    if record is None:
        return None
    entry, task = record.entry, task_of(record.entry)
    return PriorState(
        state=state_name(entry),
        key=record.key,
        fingerprint=entry.asked.fingerprint,
        task_id=None if task is None else task.task_id,
    )


def progress(before: PriorState | None, after: PriorState | None) -> Difference | None:
    """How a take's record has changed; None when it has not."""
    if before == after:
        return None
    was, now = (ABSENT if standing is None else standing.text for standing in (before, after))
    return Difference(field="record", before=was, after=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step as a person agreed to it. `fingerprint` and `form` are None for a debt that no take asks for."""

    take_id: str
    action: Action
    reasons: tuple[str, ...]
    cost: Decimal | None
    output: str
    fingerprint: str | None
    form: RequestShape | None
    standing: PriorState | None

    @property
    def id(self) -> str:
        """What tells it from all other steps, as `Step.id` does."""
        return self.take_id if self.form is not None or self.standing is None else self.standing.key

    @classmethod
    def of(cls, step: Step) -> Self:
        """The step with all that a person agrees to, in a form that can be written down."""
        return cls(
            take_id=step.take_id,
            action=step.action,
            reasons=step.reasons,
            cost=step.cost,
            output=step.output,
            fingerprint=None if step.take is None else step.take.fingerprint,
            form=None if step.take is None else shape_of(step.take),
            standing=prior_state_of(step.record),
        )


Steps = Mapping[str, PlannedStep]
"""Steps by their ids, in the order of the plan."""


def moved(agreed: Steps, now: Steps) -> dict[str, str]:
    """What is no longer as it was agreed to, in words, by id; empty when the run would do exactly that."""
    told = {name: _moved(step, now.get(name)) for name, step in agreed.items()}
    told |= {name: _new(step) for name, step in now.items() if name not in agreed}
    return {name: what for name, what in told.items() if what}


def _new(step: PlannedStep) -> str:
    return "the plan does not contain this take" if step.form is not None else "the plan does not contain this request"


def _moved(agreed: PlannedStep, now: PlannedStep | None) -> str:
    """The cause alone: what follows from a change of the request, or of the record, needs no words of its own."""
    if now is None:
        return "it is no longer among the takes" if agreed.form is not None else "this request is settled"
    if agreed.fingerprint != now.fingerprint and agreed.form is not None and now.form is not None:
        return "; ".join(difference.text for difference in between(agreed.form, now.form)) or "the request changed"
    moved_on = progress(agreed.standing, now.standing)
    if moved_on is not None:
        return moved_on.text
    if agreed.action is not now.action:
        return f"{agreed.action} -> {now.action}: {'; '.join(now.reasons)}"
    return "; ".join(difference.text for difference in _price_and_place(agreed, now))


def _price_and_place(agreed: PlannedStep, now: PlannedStep) -> Iterator[Difference]:
    if agreed.cost != now.cost:
        yield Difference(field="cost", before=_amount(agreed.cost), after=_amount(now.cost))
    if agreed.output != now.output:
        yield Difference(field="output", before=visible(agreed.output), after=visible(now.output))


def _amount(cost: Decimal | None) -> str:
    return decimal_text(cost) or "unknown"


# ---- JSON --------------------------------------------------------------------------------------------------------


def step_to_json(step: PlannedStep) -> dict[str, Any]:
    """The step by `schemas/planfile.schema.json`; the amount is decimal text, null where the price is unknown."""
    standing = step.standing
    return {
        "take": step.take_id,
        "action": step.action,
        "reasons": list(step.reasons),
        "cost": decimal_text(step.cost),
        "output": step.output,
        "fingerprint": step.fingerprint,
        "request": step.form and _form_to_json(step.form),
        "record": standing
        and {
            "state": standing.state,
            "key": standing.key,
            "fingerprint": standing.fingerprint,
            "task_id": standing.task_id,
        },
    }


def step_from_json(fields: Mapping[str, Any]) -> PlannedStep:
    """The inverse of `step_to_json`, for data that fits the schema."""
    return PlannedStep(
        take_id=fields["take"],
        action=Action(fields["action"]),
        reasons=tuple(fields["reasons"]),
        cost=parse_decimal(fields["cost"]),
        output=fields["output"],
        fingerprint=fields["fingerprint"],
        form=fields["request"] and _form(fields["request"]),
        standing=fields["record"] and PriorState(**fields["record"]),
    )


def _form_to_json(form: RequestShape) -> dict[str, Any]:
    return {
        "model": form.model,
        "template": form.template,
        "prompt": form.prompt,
        "negative_prompt": form.negative_prompt,
        **parameters_to_json(form.parameters),
        "media": {role: {"digest": given.digest, "name": given.name} for role, given in form.media.items()},
        **({} if form.variant is None else {"variant": variant_to_json(form.variant)}),
    }


def _form(fields: Mapping[str, Any]) -> RequestShape:
    return RequestShape(
        model=fields["model"],
        template=fields["template"],
        prompt=fields["prompt"],
        negative_prompt=fields["negative_prompt"],
        parameters=parameters_from_json(fields),
        media={MediaRole(role): MediumRef(**given) for role, given in fields["media"].items()},
        variant=variant_from_json(fields.get("variant")),
    )
