"""Manifest and inputs -> takes, in film order; everything that is wrong with a shot is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from functools import cache

from kfpipe.catalogue import Catalogue, Model
from kfpipe.domain import (
    CutFrom,
    MediaInput,
    MediaRole,
    Medium,
    Parameters,
    PictureSize,
    RemoteMedium,
    RenderRequest,
    Take,
)
from kfpipe.errors import Problem, Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import (
    File,
    LocalFile,
    Manifest,
    MediaSource,
    RemoteFile,
    RenderOf,
    SeedChoice,
    Shot,
    SoundSlice,
)
from kfpipe.media.facts import Material, Recipe, Recording, RecordingFacts, Still, StillFacts
from kfpipe.media.recipe import AS_IT_IS, recipe
from kfpipe.takes import (
    blame,
    expand,
    fingerprint,
    media_rules,
    model_rules,
    preparation,
    remote,
    seeds,
    slices,
    sources,
    trims,
)
from kfpipe.takes.expand import Draft
from kfpipe.takes.prices import PriceList
from kfpipe.takes.resolve import size_of
from kfpipe.takes.texts import PromptTexts, Texts
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
        picks: Picks,
    ) -> None:
        self.problems: list[Problem] = []
        self._manifest = manifest
        self._texts = PromptTexts(manifest, document, material.prompts, self.problems)
        self._document = document
        self._material = material
        self._catalogue = catalogue
        self._prices = prices
        self._currency = currency
        self._picks = picks
        self._sales_checked: set[str | None] = set()
        self._sold = model_rules.sold_in(catalogue, prices.region)
        self._folder = "" if manifest.output_dir == "." else f"{manifest.output_dir}/"
        self._first_with: dict[str, Take] = {}
        self._repeated: set[tuple[DataPath, DataPath]] = set()
        self._room = manifest.limits.matrix_takes
        self._refused_matrices: set[DataPath] = set()
        self._medium = cache(self._look_up)
        self._input = cache(self._in_role)
        self._flawless: set[Hashable] = set()
        self._size = cache(lambda resolution, *sides: size_of(catalogue, resolution, *sides))
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
                self._refuses(draft.shot, self._repetition(draft, take))
                yield take

    def _drafts(self, shot: Shot) -> tuple[Draft, ...]:
        """The drafts of one shot; what later shots may cut from is known then.

        All shots of a sequence have one matrix: what is wrong with it is reported for the first of them.
        """
        self._take_ids[shot.id] = ()
        if shot.path in self._refused_matrices:
            return ()
        drafts, findings = expand.drafts(shot, room=self._room, limit=self._manifest.limits.matrix_takes)
        if shot.in_sequence is None or shot.in_sequence.index == 1 or not drafts:
            self._refuses(shot, findings)
        if not drafts:
            self._refused_matrices.add(shot.path)
        self._take_ids[shot.id] = tuple(draft.id for draft in drafts)
        if shot.matrix is not None:
            self._room -= len(drafts)
            self._refuses(shot, self._texts.unused_axes(shot, drafts) if drafts else ())
        return drafts

    def _take(self, draft: Draft) -> Take | None:
        """The take, or None when something is wrong with it; all of it is reported, not just the first thing."""
        model = model_rules.chosen_model(draft, self._catalogue, self._prices.region)
        texts = self._texts.of(draft)
        if isinstance(model, Finding):
            self._refuses(draft.shot, [model])
            return None
        model = self._prices.extended(model)
        cuts = self._cuts(draft)
        request = self._request(draft, model, texts)
        if request is not None and cuts is not None and draft.has_derived_seed:
            texts, request = self._with_seed(draft, model, request, texts, cuts)
        findings = (*self._findings(draft, model, *texts), *self._continuations(draft, model, cuts or ()))
        refused = self._refuses(draft.shot, findings, of_model=True)
        if refused or request is None or cuts is None:
            return None
        return Take(
            id=draft.id,
            shot_id=draft.shot.id,
            tags=draft.shot.tags,
            request=request,
            fingerprint=fingerprint.of(request, cuts),
            size=self._predicted_size(draft, model),
            unit_price=self._prices.per_second(model, draft.settings.resolution),
            cap_price=self._prices.per_second_for_cap(model, draft.settings.resolution),
            currency=self._currency,
            output=f"{self._folder}{draft.id}.mp4",
            attempts=draft.settings.attempts,
            priority=draft.settings.priority,
            cuts=cuts,
            continues=cuts,
            seed_is_derived=draft.has_derived_seed,
            in_film=draft.shot.in_film,
            trim=draft.shot.trim,
            notes=draft.shot.notes,
        )

    def _request(self, draft: Draft, model: Model, texts: Texts) -> RenderRequest | None:
        """The request without the pictures to be cut and without a seed to be derived; None when a part is missing."""
        prompt, negative_prompt = texts
        media = self._media(draft, model)
        if prompt is None or negative_prompt is None or media is None:
            return None
        settings = draft.settings
        return RenderRequest(
            model=model.name,
            prompt=prompt,
            negative_prompt=_accepted(model, negative_prompt),
            media=media,
            template=settings.template,
            parameters=Parameters(
                resolution=settings.resolution,
                duration_s=settings.duration,
                prompt_extend=settings.prompt_extend,
                watermark=settings.watermark,
                seed=settings.seed if isinstance(settings.seed, int) else None,
                audio=settings.audio if model.audio_choice else None,
            ),
        )

    # -- identity ---------------------------------------------------------------------------------------------------

    def _with_seed(
        self, draft: Draft, model: Model, request: RenderRequest, texts: Texts, cuts: _Cuts
    ) -> tuple[Texts, RenderRequest | None]:
        """The prompts and the request with the seed that follows from it; prompts that speak of it are read again."""
        seed = seeds.derived(request, draft.free_values, cuts)
        seeded = replace(request, parameters=replace(request.parameters, seed=seed))
        if not self._texts.speak_of_the_seed(draft):
            return texts, seeded
        prompt, negative_prompt = texts = self._texts.of(draft, seed)
        if prompt is None or negative_prompt is None:
            return texts, None
        return texts, replace(seeded, prompt=prompt, negative_prompt=_accepted(model, negative_prompt))

    def _repetition(self, draft: Draft, take: Take) -> Iterator[Finding]:
        """Two takes that ask for the very same clip are one request, and hardly on purpose; told once a place."""
        twin = self._first_with.setdefault(take.fingerprint, take)
        path = draft.path_of("seed")
        place = (draft.shot.path, path)
        if twin is not take and draft.settings.seed is not SeedChoice.RANDOM and place not in self._repeated:
            self._repeated.add(place)
            yield Finding(
                path=path,
                what=f"the take {echoed(take.id)} asks for the same clip as {echoed(twin.id)}: it is rendered once, "
                "and both have the clip",
                fix="give one of them another seed, if you want two clips",
                severity=Severity.WARNING,
            )

    def _refuses(self, shot: Shot, findings: Iterable[Finding], *, of_model: bool = False) -> bool:
        """Keeps the findings; whether one of them is an error. `of_model` as in `blame.problem`."""
        told = [blame.problem(finding, self._document, shot, of_model=of_model) for finding in findings]
        self.problems += told
        return any(problem.severity is Severity.ERROR for problem in told)

    def _findings(
        self, draft: Draft, model: Model, prompt: str | None, negative_prompt: str | None
    ) -> Iterator[Finding]:
        facts = {role: self._facts(draft, model, footage) for role, footage in draft.media.items()}
        likeness = _likeness(draft, facts)
        if likeness is None or likeness not in self._flawless:
            offered = model_rules.offer_findings(draft, model, self._sold)
            found = (*offered, *media_rules.file_findings(draft, model, facts))
            if likeness is not None and not found:
                self._flawless.add(likeness)
            yield from found
        if draft.settings.model not in self._sales_checked:  # told once for a model, however many takes ask for it
            self._sales_checked.add(draft.settings.model)
            yield from model_rules.sale_findings(draft, model, self._prices.region)
        yield from self._pairings(draft, model)
        yield from trims.findings(draft)
        if draft.settings.template is None and prompt is not None and negative_prompt is not None:
            yield from model_rules.prompt_findings(draft, model, prompt, negative_prompt)

    def _pairings(self, draft: Draft, model: Model) -> Iterator[Finding]:
        """What is unexpected about the files together: once a shot, and once for what several shots inherit."""
        files = {role: self._file(draft, model, footage) for role, footage in draft.media.items()}
        for finding in media_rules.pair_findings(draft, model, files):
            places = {(draft.shot.path, finding.path), ((finding.what,), finding.path)}
            if places.isdisjoint(self._repeated):
                yield finding
            self._repeated |= places

    # -- media ------------------------------------------------------------------------------------------------------

    def _file(self, draft: Draft, model: Model, footage: MediaSource | None) -> Still | Recording | None:
        """What is known of a file of the project, as it is sent; None for all else, and for one that is of no use."""
        if isinstance(footage, SoundSlice):
            cut = self._material.slices.get((footage.path, self._recipe(draft, model, footage)))
            return None if cut is None else cut.sound
        if not isinstance(footage, LocalFile):
            return None
        made = self._material.prepared.get((footage.path, self._recipe(draft, model, footage)))
        if made is not None:
            return made.still
        return self._material.stills.get(footage.path) or self._material.recordings.get(footage.path)

    def _recipe(self, draft: Draft, model: Model, footage: File | SoundSlice) -> Recipe:
        """How the file is prepared; most are not."""
        if isinstance(footage, SoundSlice):
            track = self._material.recordings.get(footage.path)
            return AS_IT_IS if track is None else preparation.slice_of(footage, track.facts, draft, model)
        still = self._material.stills.get(footage.path) if isinstance(footage, LocalFile) else None
        if still is None or not self._material.prepared:
            return AS_IT_IS
        return recipe(still.facts, draft.shot.preparation, model.frames)

    def _facts(self, draft: Draft, model: Model, footage: MediaSource) -> StillFacts | RecordingFacts | None:
        file = self._file(draft, model, footage)
        return None if file is None else file.facts

    def _media(self, draft: Draft, model: Model) -> tuple[MediaInput, ...] | None:
        """The media as the request names them, without those to be cut; None when one of them is missing."""
        if draft.shot.refused:
            return None
        files = [(role, footage) for role, footage in draft.media.items() if isinstance(footage, File | SoundSlice)]
        inputs = (self._input(role, footage, self._recipe(draft, model, footage)) for role, footage in files)
        given = tuple(found for found in inputs if found is not None)
        return given if len(given) == len(files) else None

    def _in_role(self, role: MediaRole, footage: File | SoundSlice, how: Recipe) -> MediaInput | None:
        medium = self._medium(footage, how)
        return None if medium is None else MediaInput(role=role, medium=medium)

    def _look_up(self, footage: File | SoundSlice, how: Recipe) -> Medium | None:
        if isinstance(footage, RemoteFile):
            return RemoteMedium(url=footage.url, digest=remote.digest(footage.url))
        if isinstance(footage, SoundSlice) and (footage.path, how) not in self._material.slices:
            return None
        return preparation.medium(self._material, footage.path, how)

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
                yield from media_rules.continued_findings(draft, model, self._durations[cut.take_id])

    def _lender(self, footage: RenderOf, path: DataPath) -> CutFrom | Finding | None:
        """As `sources.lending_take`; a shot's takes are searched once, however many others borrow from it alike."""
        if footage not in self._lenders:
            take_ids = self._take_ids[footage.shot_id]
            picked = self._picks(footage.shot_id) if len(take_ids) > 1 else None
            found = sources.lending_take(footage, take_ids, path, picked)
            if not isinstance(found, str):
                return found
            is_by_pick = len(sources.meant(footage, take_ids)) > 1
            self._lenders[footage] = CutFrom(take_id=found, end=footage.end, is_picked=is_by_pick)
        return self._lenders[footage]

    def _predicted_size(self, draft: Draft, model: Model) -> PictureSize | None:
        """The clip takes the shape of its first frame, or of the clip that it continues."""
        footage = draft.media.get(MediaRole.FIRST_FRAME) or draft.media.get(MediaRole.FIRST_CLIP)
        leading = self._file(draft, model, footage)
        if leading is None:
            return None
        return self._size(draft.settings.resolution, leading.facts.width_px, leading.facts.height_px)


def _accepted(model: Model, negative_prompt: str) -> str:
    """The negative prompt as it is sent; a model that takes none gets none."""
    return negative_prompt if model.negative_prompt_limit_chars else ""


def _likeness(draft: Draft, facts: media_rules.MediaFacts) -> Hashable | None:
    """All that the rules of the model look at, besides the prompts; None where they look at more.

    In a large shot list thousands of takes are alike.
    """
    settings = draft.settings
    if settings.template is not None or draft.shot.refused or not _VARIED_MEDIA.isdisjoint(draft.cell.values):
        return None
    return settings.model, settings.resolution, settings.duration, settings.audio, *facts.items()


_VARIED_MEDIA = frozenset(MediaRole)
