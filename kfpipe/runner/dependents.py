"""Takes that continue from others: which can be rendered once a clip is here, and which cannot when it never is."""

from __future__ import annotations

from collections.abc import Sequence

from kfpipe.plan.model import Action, Step


class Dependents:
    """The steps of a plan that wait for others of the same plan."""

    def __init__(self, work: Sequence[Step]) -> None:
        coming = {step.id for step in work}
        self._missing: dict[str, set[str]] = {}
        self._guests: dict[str, list[Step]] = {}
        for step in work:
            if step.action is Action.WAIT:
                sources = coming.intersection(step.sources)
                self._missing[step.take_id] = sources
                for source in sources:
                    self._guests.setdefault(source, []).append(step)

    def awaits(self, take_id: str) -> bool:
        """Whether steps wait for the take's clip."""
        return take_id in self._guests

    def arrived(self, take_id: str) -> list[Step]:
        """The take's clip is here: the steps that wait for nothing else are released."""
        released = []
        for step in self._guests.pop(take_id, ()):
            missing = self._missing.get(step.take_id)
            if missing is not None:
                missing.discard(take_id)
                if not missing:
                    del self._missing[step.take_id]
                    released.append(step)
        return released

    def missed(self, take_id: str) -> list[Step]:
        """The take gets no clip in this run: all that wait for it, and all that wait for them, are dropped."""
        turned_away: list[Step] = []
        absent = [take_id]
        while absent:
            for step in self._guests.pop(absent.pop(), ()):
                if self._missing.pop(step.take_id, None) is not None:
                    turned_away.append(step)
                    absent.append(step.take_id)
        return turned_away
