"""Manifest and material -> takes, in manifest order; everything that is wrong with a shot is said at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Any

from kfpipe import expand, fingerprint, matrix, prompts, rules
from kfpipe.catalogue import Catalogue, Model
from kfpipe.document import Document
from kfpipe.domain import (
    LocalMedium,
    MediaInput,
    MediaRole,
    Medium,
    Parameters,
    PictureSize,
    RemoteMedium,
    RenderRequest,
    Take,
)
from kfpipe.errors import Position, Problem, Severity
from kfpipe.expand import Draft
from kfpipe.findings import Finding
from kfpipe.frames import Frame, LocalFrame, Still
from kfpipe.manifest import Manifest, PromptFile, Shot
from kfpipe.prices import PriceList
from kfpipe.wording import echoed


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the shots' files hold, by their name in the manifest; a file that cannot be used is missing here."""

    stills: Mapping[str, Still]
    prompts: Mapping[str, str]


def make(
    manifest: Manifest,
    document: Document,
    material: Material,
    *,
    catalogue: Catalogue,
    prices: PriceList,
    currency: str,
) -> tuple[tuple[Take, ...], tuple[Problem, ...]]:
    """The takes of all shots that are sound, and the problems of all that are not; files' own were told before."""
    maker = _Maker(manifest, document, material, catalogue=catalogue, prices=prices, currency=currency)
    takes = tuple(take for shot in manifest.shots for take in maker.takes(shot))
    return takes, tuple(maker.problems)


class _Maker:
    """One pass over one manifest; equal sizes and media are one object, problems are collected on the way."""

    def __init__(
        self,
        manifest: Manifest,
        document: Document,
        material: Material,
        *,
        catalogue: Catalogue,
        prices: PriceList,
        currency: str,
    ) -> None:
        self.problems: list[Problem] = []
        self._manifest = manifest
        self._document = document
        self._material = material
        self._catalogue = catalogue
        self._prices = prices
        self._currency = currency
        self._folder = "" if manifest.output_dir == "." else f"{manifest.output_dir}/"
        self._first_with: dict[str, Take] = {}
        self._room = matrix.TAKES_LIMIT
        self._medium = cache(self._look_up)
        self._size = cache(catalogue.predicted_size)

    def takes(self, shot: Shot) -> Iterator[Take]:
        """The sound takes of one shot."""
        drafts, findings = expand.drafts(shot, room=self._room)
        self._refuses(shot, findings)
        if shot.matrix is not None:
            self._room -= len(drafts)
            self._refuses(shot, self._unused_axes(shot) if drafts else ())
        for draft in drafts:
            take = self._take(draft)
            if take is not None:
                self._refuses(shot, self._repetition(draft, take))
                yield take

    def _take(self, draft: Draft) -> Take | None:
        """The take, or None when something is wrong with it; all of it is told, not the first thing only."""
        model = rules.chosen_model(draft, self._catalogue, self._prices.region)
        variables = draft.variables(self._manifest.variables)
        prompt = self._rendered(draft, "prompt", draft.shot.prompt or "", variables)
        negative_prompt = self._rendered(draft, "negative_prompt", draft.settings.negative_prompt, variables)
        if isinstance(model, Finding):
            self._refuses(draft.shot, [model])
            return None
        refused = self._refuses(draft.shot, self._findings(draft, model, prompt, negative_prompt))
        media = self._media(draft.shot)
        if refused or prompt is None or negative_prompt is None or media is None:
            return None
        request = RenderRequest(
            model=model.name,
            prompt=prompt,
            negative_prompt=negative_prompt,
            media=media,
            parameters=Parameters(
                resolution=draft.settings.resolution,
                duration_s=draft.settings.duration,
                prompt_extend=draft.settings.prompt_extend,
                watermark=draft.settings.watermark,
                seed=draft.seed,
            ),
        )
        return Take(
            id=draft.id,
            shot_id=draft.shot.id,
            tags=draft.shot.tags,
            request=request,
            fingerprint=fingerprint.of(request),
            size=self._predicted_size(draft),
            unit_price=self._prices.per_second(model, draft.settings.resolution),
            currency=self._currency,
            output=f"{self._folder}{draft.id}.mp4",
            attempts=draft.shot.attempts,
            priority=draft.shot.priority,
        )

    def _repetition(self, draft: Draft, take: Take) -> Iterator[Finding]:
        """A take that asks for the very clip of an earlier one would be paid twice, and hardly on purpose."""
        twin = self._first_with.setdefault(take.fingerprint, take)
        if twin is not take and draft.seed is not None:
            yield Finding(
                path=draft.path_of("seed"),
                what=f"the take {echoed(take.id)} asks for the same clip as {echoed(twin.id)}, and would be paid too",
                fix="give one of them another seed, or delete it",
                severity=Severity.WARNING,
            )

    def _refuses(self, shot: Shot, findings: Iterable[Finding]) -> bool:
        """Keeps the findings; whether one of them is an error."""
        told = [finding.problem(self._document, shot.where) for finding in findings]
        self.problems += told
        return any(problem.severity is Severity.ERROR for problem in told)

    def _findings(
        self, draft: Draft, model: Model, prompt: str | None, negative_prompt: str | None
    ) -> Iterator[Finding]:
        yield from rules.setting_findings(draft, model)
        yield from rules.missing_frame_findings(draft, model)
        if prompt is not None and negative_prompt is not None:
            yield from rules.prompt_findings(draft, model, prompt, negative_prompt)
        first, last = self._still(draft.shot.first_frame), self._still(draft.shot.last_frame)
        if first is not None:
            yield from rules.still_findings(draft, model, "first_frame", first.facts)
        if last is not None:
            yield from rules.still_findings(draft, model, "last_frame", last.facts)
        if first is not None and last is not None:
            yield from rules.shape_findings(draft, first.facts, last.facts)

    # -- prompts ----------------------------------------------------------------------------------------------------

    def _rendered(self, draft: Draft, name: str, source: str | PromptFile, variables: Mapping[str, Any]) -> str | None:
        """The text of one of the two prompts, without blanks at its ends; None when it was refused."""
        template = self._template(source)
        if template is None or name in draft.shot.refused:
            return None
        try:
            return prompts.render(template, variables).strip()
        except prompts.PromptInvalid as error:
            self.problems.append(self._prompt_problem(draft, name, source, template, error))
            return None

    def _template(self, source: str | PromptFile) -> str | None:
        return self._material.prompts.get(source.path) if isinstance(source, PromptFile) else source

    def _prompt_problem(
        self, draft: Draft, name: str, source: str | PromptFile, template: str, error: prompts.PromptInvalid
    ) -> Problem:
        """The line counts in a prompt's own file; inside the manifest the prompt as a whole is pointed at."""
        if isinstance(source, PromptFile):
            return Problem(
                file=str(PurePath(self._document.file).parent / source.path),
                position=Position(line=error.line, column=1),
                where=draft.shot.where,
                what=error.what,
                fix=error.fix,
            )
        line = f" (line {error.line} of the prompt)" if "\n" in template.strip() else ""
        finding = Finding(path=draft.path_of(name), what=f"{error.what}{line}", fix=error.fix)
        return finding.problem(self._document, draft.shot.where)

    def _unused_axes(self, shot: Shot) -> Iterable[Finding]:
        """Axes without effect, as far as the prompts can be read."""
        template = self._template(shot.prompt or "")
        if shot.matrix is None or template is None or "prompt" in shot.refused:
            return ()
        values = [shot.settings.negative_prompt, *shot.matrix.axes.get("negative_prompt", ())]
        try:
            spoken_of = {name for source in (template, *map(str, values)) for name in prompts.names(source)}
        except prompts.PromptInvalid:
            return ()
        return matrix.unused_findings(shot.matrix, spoken_of)

    # -- frames -----------------------------------------------------------------------------------------------------

    def _still(self, frame: Frame | None) -> Still | None:
        return self._material.stills.get(frame.path) if isinstance(frame, LocalFrame) else None

    def _media(self, shot: Shot) -> tuple[MediaInput, ...] | None:
        """The frames as the request names them; None when one of them is missing."""
        frames = [(MediaRole.FIRST_FRAME, shot.first_frame), (MediaRole.LAST_FRAME, shot.last_frame)]
        given = [(role, self._medium(frame)) for role, frame in frames if frame is not None]
        if shot.refused or any(medium is None for _, medium in given):
            return None
        return tuple(MediaInput(role=role, medium=medium) for role, medium in given if medium is not None)

    def _look_up(self, frame: Frame) -> Medium | None:
        if not isinstance(frame, LocalFrame):
            digest = hashlib.sha256(frame.url.encode()).hexdigest()
            return RemoteMedium(url=frame.url, digest=f"url-sha256:{digest}")
        still = self._still(frame)
        return (
            None
            if still is None
            else LocalMedium(
                path=frame.path,
                sha256=still.sha256,
                size_bytes=still.facts.size_bytes,
                mime_type=still.facts.mime_type,
                width_px=still.facts.width_px,
                height_px=still.facts.height_px,
            )
        )

    def _predicted_size(self, draft: Draft) -> PictureSize | None:
        first = self._still(draft.shot.first_frame)
        if first is None:
            return None
        return self._size(draft.settings.resolution, first.facts.width_px, first.facts.height_px)
