"""Manifest and inputs -> takes, in film order; everything that is wrong with a shot is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from kfpipe.catalogue import Catalogue, Model
from kfpipe.domain import CutFrom, MediaRole, PictureSize, RenderRequest, Take
from kfpipe.errors import Problem, Severity
from kfpipe.files.text import DataPath
from kfpipe.lock.records import stand_ins
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import Manifest, RenderOf, SeedChoice, Shot
from kfpipe.media.facts import Material
from kfpipe.takes import (
    blame,
    expand,
    fingerprint,
    lacks,
    media_rules,
    model_rules,
    seeds,
    sent,
    slices,
    sources,
    trims,
)
from kfpipe.takes.expand import Draft
from kfpipe.takes.matrix import values_in_ids
from kfpipe.takes.media_sets import MediaSet, MediaSets
from kfpipe.takes.prices import PriceList
from kfpipe.takes.resolve import size_of
from kfpipe.takes.texts import PromptTexts, Texts
from kfpipe.values import remembered
from kfpipe.wording import echoed

Picks = Callable[[str], str | None]
"""The take that is picked of a shot."""


def make(
    manifest: Manifest,
    document: Document,
    material: Material,
    *,
    catalogue: Catalogue,
    prices: PriceList,
    currency: str,
    picks: Picks = lambda _: None,
) -> tuple[tuple[Take, ...], tuple[Problem, ...]]:
    """The takes of all shots that are sound, and the problems of all that are not; those of files are known already.

    `picks` is asked only for shots whose clip is continued, where they have several takes.
    """
    maker = _Maker(manifest, document, material, catalogue=catalogue, prices=prices, currency=currency, picks=picks)
    takes = tuple(maker.takes())
    return takes, tuple(maker.problems)


_Cuts = tuple[tuple[MediaRole, CutFrom], ...]


class _Maker:
    """One pass over one manifest; equal media are one object, problems are collected on the way."""

    def __init__(
        self,
        manifest: Manifest,
        document: Document,
        material: Material,
        *,
        catalogue: Catalogue,
        prices: PriceList,
        currency: str,
        picks: Picks,
    ) -> None:
        self.problems: list[Problem] = []
        self._manifest = manifest
        self._texts = PromptTexts(manifest, document, material.prompts, self.problems)
        self._document = document
        self._media_sets = MediaSets(material)
        self._catalogue = catalogue
        self._prices = prices
        self._currency = currency
        self._picks = picks
        self._sales_checked: set[str | None] = set()
        self._sound_checked: set[str | None] = set()
        self._sold = model_rules.sold_in(catalogue, prices.region)
        self._folder = "" if manifest.output_dir == "." else f"{manifest.output_dir}/"
        self._first_with: dict[str, Take] = {}
        self._repeated: set[tuple[DataPath, DataPath]] = set()
        self._room = manifest.limits.matrix_takes
        self._refused_matrices: set[DataPath] = set()
        self._models: dict[str | None, Model] = {}
        self._flawless: set[Hashable] = set()
        self._agreeing: set[tuple[MediaSet, int]] = set()
        self._price = remembered(self._looked_up_price)
        self._size = remembered(self._predicted_size)
        self._take_ids: dict[str, tuple[str, ...]] = {}
        self._lenders: dict[RenderOf, CutFrom] = {}
        self._durations: dict[str, int] = {}

    def takes(self) -> Iterator[Take]:
        """The sound takes of all shots."""
        drafted = slices.placed([draft for shot in self._manifest.shots for draft in self._drafts(shot)])
        self._durations = {draft.id: draft.settings.duration for draft in drafted}
        for draft in drafted:
            take = self._take(draft)
            if take is not None:
                self._check_repetition(draft, take)
                yield take

    def _drafts(self, shot: Shot) -> tuple[Draft, ...]:
        """The drafts of one shot; what later shots may cut from is known then.

        All shots of a sequence have one matrix: what is wrong with it is reported for the first of them.
        """
        if shot.matrix is None:
            self._take_ids[shot.id] = (shot.id,)
            return expand.drafts(shot)[0]
        self._take_ids[shot.id] = ()
        if shot.path in self._refused_matrices:
            return ()
        drafts, findings = expand.drafts(shot, room=self._room, limit=self._manifest.limits.matrix_takes)
        if shot.in_sequence is None or shot.in_sequence.index == 1 or not drafts:
            self._refuses(shot, findings)
        if not drafts:
            self._refused_matrices.add(shot.path)
        self._take_ids[shot.id] = tuple(draft.id for draft in drafts)
        self._room -= len(drafts)
        self._refuses(shot, self._texts.unused_axes(shot, drafts) if drafts else ())
        return drafts

    def _take(self, draft: Draft) -> Take | None:
        """The take, or None when something is wrong with it; all of it is reported, not just the first thing."""
        model = self._model(draft)
        texts = self._texts.of(draft)
        if isinstance(model, Finding):
            self._refuses(draft.shot, [model])
            return None
        media = self._media_sets.of(draft, model)
        cuts = self._cuts(draft)
        request = self._request(draft, model, media, texts)
        spelled = None
        if request is not None and cuts is not None and draft.has_derived_seed and model.has_seed:
            spelled = fingerprint.spelling(request, media.spelled)
            request = seeds.seeded(request, seeds.derived(request, draft.free_values, cuts, spelled))
            if self._texts.speak_of_the_seed(draft):
                spelled, (texts, request) = None, self._read_again(draft, model, request)
        findings = self._findings(draft, model, media, texts)
        if cuts:
            findings += self._continuations(draft, model, cuts)
        if self._refuses(draft.shot, findings, of_model=True) or request is None or cuts is None:
            return None
        return self._made(draft, model, media, request, cuts, spelled)

    def _made(
        self,
        draft: Draft,
        model: Model,
        media: MediaSet,
        request: RenderRequest,
        cuts: _Cuts,
        spelled: fingerprint.Spelling | None,
    ) -> Take:
        shot, settings = draft.shot, draft.settings
        sound = request.parameters.audio is not False and model.sound
        unit_price, cap_price = self._price(settings.model, settings.resolution, sound)
        return Take(
            id=draft.id,
            shot_id=shot.id,
            tags=shot.tags,
            request=request,
            fingerprint=fingerprint.of(request, cuts, spelled),
            size=self._size(settings.model, settings.resolution, media),
            has_rough_size=not model.sizing.certain,
            unit_price=unit_price,
            cap_price=cap_price,
            currency=self._currency,
            output=f"{self._folder}{draft.id}.mp4",
            attempts=settings.attempts,
            priority=settings.priority,
            cuts=cuts,
            continues=cuts,
            seed_is_derived=draft.has_derived_seed and model.has_seed,
            in_film=shot.in_film,
            trim=shot.trim,
            notes=shot.notes,
        )

    def _model(self, draft: Draft) -> Model | Finding:
        """The model that the draft asks for, with all resolutions that there is a price for."""
        name = draft.settings.model
        if name not in self._models:
            found = model_rules.chosen_model(draft, self._catalogue, self._prices.region)
            if isinstance(found, Finding):
                return found
            self._models[name] = self._prices.extended(found)
        return self._models[name]

    def _looked_up_price(
        self, model: str | None, resolution: str, sound: bool
    ) -> tuple[Decimal | None, Decimal | None]:
        """What a second costs of a model, by the manifest's name for it, and what it counts for a cap."""
        found, prices = self._models[model], self._prices
        return (
            prices.per_second(found, resolution, sound=sound),
            prices.per_second_for_cap(found, resolution, sound=sound),
        )

    def _request(self, draft: Draft, model: Model, media: MediaSet, texts: Texts) -> RenderRequest | None:
        """The request without the pictures to be cut and without a seed to be derived; None when a part is missing."""
        prompt, negative_prompt = texts
        if prompt is None or negative_prompt is None or media.inputs is None or draft.shot.refused:
            return None
        settings = draft.settings
        return RenderRequest(
            model=model.name,
            prompt=prompt,
            negative_prompt=sent.negative_prompt(model, negative_prompt),
            media=media.inputs,
            template=settings.template,
            variant=None if model.has_seed else sent.variant(draft),
            parameters=sent.parameters(draft, model, self._prices.region),
        )

    # -- identity ---------------------------------------------------------------------------------------------------

    def _read_again(self, draft: Draft, model: Model, seeded: RenderRequest) -> tuple[Texts, RenderRequest | None]:
        """The prompts that speak of a derived seed, and the request with them."""
        prompt, negative_prompt = texts = self._texts.of(draft, seeded.parameters.seed or 0)
        if prompt is None or negative_prompt is None:
            return texts, None
        return texts, replace(seeded, prompt=prompt, negative_prompt=sent.negative_prompt(model, negative_prompt))

    def _check_repetition(self, draft: Draft, take: Take) -> None:
        """Two takes that ask for the very same clip are one request, and hardly on purpose; told once a place."""
        twin = take if take.cuts and take.unpicked else self._first_with.setdefault(take.fingerprint, take)
        if twin is take or take.request.draws_seed:
            return
        way = "give one of them another seed" if take.request.variant is None else "vary a `variant` in the matrix"
        path = draft.path_of("seed")
        place = (draft.shot.path, path)
        if place not in self._repeated:
            self._repeated.add(place)
            found = Finding(
                path=path,
                what=f"the take {echoed(take.id)} asks for the same clip as {echoed(twin.id)}: it is rendered once, "
                "and both have the clip",
                fix=f"{way}, if you want two clips",
                severity=Severity.WARNING,
            )
            self._refuses(draft.shot, [found])

    def _refuses(self, shot: Shot, findings: Iterable[Finding], *, of_model: bool = False) -> bool:
        """Keeps the findings; whether one of them is an error. `of_model` as in `blame.problem`."""
        told = [blame.problem(finding, self._document, shot, of_model=of_model) for finding in findings]
        if not told:
            return False
        self.problems += told
        return any(problem.severity is Severity.ERROR for problem in told)

    def _findings(self, draft: Draft, model: Model, media: MediaSet, texts: Texts) -> list[Finding]:
        found: list[Finding] = []
        settings, (prompt, negative_prompt) = draft.settings, texts
        likeness = _likeness(draft, media)
        if likeness is None or likeness not in self._flawless:
            found += model_rules.offer_findings(draft, model, self._sold)
            found += media_rules.file_findings(draft, model, media.facts)
            if likeness is not None and not found:
                self._flawless.add(likeness)
        if settings.model not in self._sales_checked:  # told once for a model, however many takes ask for it
            self._sales_checked.add(settings.model)
            found += model_rules.sale_findings(draft, model, self._prices.region)
        if settings.model not in self._sound_checked:
            found += self._unsaid(draft, model)
        if (media, settings.duration) not in self._agreeing:
            found += self._pairings(draft, model, media)
        if draft.shot.trim is not None:
            found += trims.findings(draft)
        if not model.has_seed:
            found += self._texts.findings_without_a_seed(draft, model.name)
        if settings.template is None and prompt is not None and negative_prompt is not None:
            found += model_rules.prompt_findings(draft, model, prompt, negative_prompt)
        return found

    def _unsaid(self, draft: Draft, model: Model) -> Iterator[Finding]:
        """A price that depends on what nobody has said: told once for a model."""
        region = self._prices.priced_in if self._prices.priced_in.name in model.offers else self._prices.region
        finding = lacks.unsaid_sound(draft, model, model.offers[region.name], region.currency)
        if finding is not None or not model.audio_choice:
            self._sound_checked.add(draft.settings.model)
        if finding is not None:
            yield finding

    def _pairings(self, draft: Draft, model: Model, media: MediaSet) -> Iterator[Finding]:
        """What is unexpected about the files together: once a shot, and once for what several shots inherit."""
        found = list(media_rules.pair_findings(draft, model, media.files))
        if not found:
            self._agreeing.add((media, draft.settings.duration))
        for finding in found:
            places = {(draft.shot.path, finding.path), ((finding.what,), finding.path)}
            if places.isdisjoint(self._repeated):
                yield finding
            self._repeated |= places

    # -- media ------------------------------------------------------------------------------------------------------

    def _cuts(self, draft: Draft) -> _Cuts | None:
        """The pictures to be cut from other takes; None when one of them is not available."""
        cuts: list[tuple[MediaRole, CutFrom]] = []
        for role, footage in draft.media.items():
            if not isinstance(footage, RenderOf):
                continue
            lender = self._lender(footage, draft.path_of(role))
            if not isinstance(lender, CutFrom):
                self._refuses(draft.shot, () if lender is None else [lender])
                return None
            cuts.append((role, lender))
        return tuple(cuts)

    def _continuations(self, draft: Draft, model: Model, cuts: _Cuts) -> Iterator[Finding]:
        for _, cut in cuts:
            if cut.end is None:
                may_lend = self._take_ids[cut.take_id] if cut.is_open else (cut.take_id,)
                shortest_s = min(self._durations[take_id] for take_id in may_lend)
                yield from media_rules.continued_findings(draft, model, shortest_s)

    def _lender(self, footage: RenderOf, path: DataPath) -> CutFrom | Finding | None:
        """As `sources.lender`; a shot's takes are searched once, however many others borrow from it alike."""
        if footage not in self._lenders:
            take_ids = self._take_ids[footage.shot_id]
            picked = self._picked(footage, take_ids) if len(take_ids) > 1 else None
            found = sources.lender(footage, take_ids, path, picked)
            if not isinstance(found, CutFrom):
                return found
            self._lenders[footage] = found
        return self._lenders[footage]

    def _picked(self, footage: RenderOf, take_ids: Sequence[str]) -> str | None:
        """The pick, or the one take among those in question for which a picked draft stands."""
        picked = self._picks(footage.shot_id)
        if picked is None or picked in take_ids:
            return picked
        alike = stand_ins(picked, sources.meant(footage, take_ids), values_in_ids(self._manifest.by_profile))
        return alike[0] if len(alike) == 1 else None

    def _predicted_size(self, model: str | None, resolution: str, media: MediaSet) -> PictureSize | None:
        """The clip takes the shape of its first frame, or of the clip that it continues."""
        leading = media.leading
        if leading is None:
            return None
        return size_of(self._models[model], resolution, leading.facts.width_px, leading.facts.height_px)


def _likeness(draft: Draft, media: MediaSet) -> Hashable | None:
    """All that the rules of the model look at, besides the prompts; None where they look at more.

    In a large shot list thousands of takes are alike.
    """
    settings, varied = draft.settings, draft.cell.values
    if settings.template is not None or draft.shot.refused or (varied and not _VARIED_MEDIA.isdisjoint(varied)):
        return None
    return (
        settings.model,
        settings.resolution,
        settings.duration,
        (settings.audio, settings.prompt_extend, settings.watermark, settings.seed is SeedChoice.DERIVED),
        settings.seed == 0,
        media.kind,
    )


_VARIED_MEDIA = frozenset(MediaRole)
