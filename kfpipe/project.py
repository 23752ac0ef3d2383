"""The only way in: a manifest on disk -> a Project whose takes can be planned and rendered.

Everything is read here and nothing is sent. What it returns is sound; else Refused carries every problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from kfpipe import catalogue, gcpause
from kfpipe.catalogue import Catalogue, Region
from kfpipe.domain import EMULATOR_REGION, Take
from kfpipe.errors import Problem, Refused, Severity, in_file_order
from kfpipe.files import durable, read
from kfpipe.files.text import LARGEST_BYTES
from kfpipe.lock import lockfile, owners
from kfpipe.lock.paths import LOCK_ENDING, STATE_DIR, LockPaths
from kfpipe.manifest import document, include
from kfpipe.manifest import files as sources
from kfpipe.manifest.document import Document, SourceFile
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.files import ProjectFiles
from kfpipe.manifest.model import Manifest, PriceLine, ProviderName
from kfpipe.manifest.parse import parse_manifest
from kfpipe.manifest.schema import StructureCheck
from kfpipe.media import soundtrack
from kfpipe.media.cache import DigestCache
from kfpipe.takes import build, inputs, prices
from kfpipe.takes.build import Picks
from kfpipe.wording import did_you_mean, echoed

DIGESTS_FILE = "digests.json"
_DELETE_LINK = "delete that link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line lays over a manifest. `prices` are `--price`, `variables` are `--var`.

    `profile` is the one to lay over the shots. `emulator` runs any manifest on the emulator, with a lock and
    an output folder of its own.
    """

    region: str | None = None
    profile: str | None = None
    emulator: bool = False
    prices: tuple[PriceLine, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


_NO_OPTIONS = Options()


def _is_there(_: Path) -> None:
    """Does nothing: the file is already where it belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A sound manifest with its takes, in film order. Paths are real and absolute.

    `root` is the git work tree, or `folder`, the manifest's own, where there is none; no file outside it is read or
    written. `sources` are the files that it was read from, the manifest first. `path` is the manifest as it was named,
    `options` are what was laid over it.
    """

    root: Path
    folder: Path
    manifest: Manifest
    catalogue: Catalogue
    takes: tuple[Take, ...]
    currency: str
    warnings: tuple[Problem, ...]
    paths: LockPaths
    sources: tuple[SourceFile, ...]
    path: Path
    options: Options

    @property
    def stem(self) -> str:
        """The manifest's name without its ending."""
        return self.paths.stem

    @property
    def lockfile_path(self) -> Path:
        """The lockfile: beside the manifest, or with the emulator's state."""
        return self.paths.lockfile_path

    @property
    def state_dir(self) -> Path:
        """The folder of what git ignores, journals among it: `.kfpipe`, or the emulator's inside of it."""
        return self.paths.state_dir

    @property
    def region(self) -> Region:
        """The region that is rendered in; `emulator` is one of them."""
        return self.manifest.provider.region


@gcpause.paused()
def load(path: Path, options: Options = _NO_OPTIONS, *, bring: Callable[[Path], None] = _is_there) -> Project:
    """The project of the manifest at `path`. Raises Refused with all problems, in file order.

    `bring` is called with the path of each file that the manifest names before it is read.
    """
    shown = durable.shown(path)
    text = document.parse(_content(path, shown), shown)
    folder = path.parent.resolve()
    root = sources.project_root(folder)
    state_dir = folder / STATE_DIR
    paths = LockPaths.beside(
        (state_dir / EMULATOR_REGION if options.emulator else folder) / f"{path.stem}{LOCK_ENDING}"
    )
    _check_own_places(shown, root, state_dir, paths.lockfile_path)
    owners.refuse_shared(paths.lockfile_path, shown)
    files, levels_up = ProjectFiles(folder=folder, root=root, bring=bring), len(folder.relative_to(root).parts)
    whole, check = include.gather(text, files=files, levels_up=levels_up)
    parsed, problems = _parsed(whole, check, options, path.stem, levels_up=levels_up)
    made, more = _takes(parsed, whole, files, folder=folder, root=root, picks=_picks(folder, paths))
    warnings = _warnings_only(*whole.warnings, *problems, *more)
    return Project(
        root=root,
        folder=folder,
        manifest=parsed,
        catalogue=catalogue.shipped(),
        takes=made,
        currency=_currency(parsed),
        warnings=warnings,
        paths=paths,
        sources=whole.sources,
        path=path,
        options=options,
    )


def _check_own_places(shown: str, root: Path, state_dir: Path, lockfile_path: Path) -> None:
    """Refuse links that would make kfpipe write to a place of someone else's choosing."""
    for place in (state_dir, lockfile_path):
        if not place.resolve().is_relative_to(root):
            raise Refused.because(
                shown, f"{echoed(place.name)} next to it is a link that leads out of the project", fix=_DELETE_LINK
            )
    for folder in (state_dir, state_dir / EMULATOR_REGION):
        link = next((entry for entry in _entries(folder) if entry.is_symlink()), None)
        if link is not None:
            what = f"{echoed(f'{folder.name}/{link.name}')} next to it is a symbolic link, which kfpipe did not make"
            raise Refused.because(shown, what, fix=_DELETE_LINK)


def _entries(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(folder.iterdir())
    except OSError:
        return ()


def _parsed(
    text: Document, check: StructureCheck, options: Options, stem: str, *, levels_up: int
) -> tuple[Manifest, tuple[Problem, ...]]:
    """The manifest with the command line applied; results of the emulator never mix with paid ones."""
    parsed, problems = parse_manifest(
        text,
        check,
        catalogue=catalogue.shipped(),
        region=EMULATOR_REGION if options.emulator else options.region,
        profile=options.profile,
        variables=options.variables,
        levels_up=levels_up,
    )
    overlaid = replace(
        parsed,
        prices=(*parsed.prices, *options.prices),
        output_dir=f"{STATE_DIR}/{EMULATOR_REGION}/{stem}" if options.emulator else parsed.output_dir,
    )
    return overlaid, (*check.problems, *problems)


def _takes(
    parsed: Manifest, text: Document, files: ProjectFiles, *, folder: Path, root: Path, picks: Picks
) -> tuple[tuple[Take, ...], tuple[Problem, ...]]:
    """The takes of the sound shots, and all that is wrong with files, prices and the shots themselves."""
    known = catalogue.shipped()
    digests = DigestCache(folder / STATE_DIR / DIGESTS_FILE)
    material, file_problems = inputs.read(parsed, text, files=files, digests=digests, known=known)
    digests.save()
    price_list, price_findings = prices.price_list(
        parsed.prices, known, parsed.provider.region, parsed.provider.priced_in
    )
    made, take_problems = build.make(
        parsed, text, material, catalogue=known, prices=price_list, currency=_currency(parsed), picks=picks
    )
    return made, (
        *file_problems,
        *take_problems,
        *(finding.problem(text, "prices" if finding.path else "--price") for finding in price_findings),
        *(finding.problem(text, "output") for finding in _output_findings(folder, root, parsed.output_dir)),
        *(finding.problem(text, "film") for finding in _music_findings(parsed.film.music, files)),
    )


def _picks(folder: Path, paths: LockPaths) -> Picks:
    """The picks on record, read when the first is asked for; a rehearsal has those of the project and its own."""

    @cache
    def picked() -> Mapping[str, str]:
        beside = folder / paths.lockfile_path.name
        places = dict.fromkeys((beside, paths.lockfile_path))
        return {shot: take for place in places for shot, take in lockfile.load_both(place).picked.items()}

    return lambda shot_id: picked().get(shot_id)


def _warnings_only(*problems: Problem) -> tuple[Problem, ...]:
    """The warnings in file order. Raises Refused when there are errors too, with all that does not repeat an error."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if not errors:
        return in_file_order(problems)
    places = {problem.position for problem in errors}
    warnings = (problem for problem in problems if problem.severity is Severity.WARNING)
    raise Refused([*errors, *(warning for warning in warnings if warning.position not in places)])


def _content(path: Path, shown: str) -> bytes:
    try:
        return read.first_bytes(path, LARGEST_BYTES + 1)
    except FileNotFoundError:
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        fix = did_you_mean(path.name, names, "check the path")
        raise Refused.because(shown, "there is no such file", fix=fix) from None
    except IsADirectoryError:
        raise Refused.because(
            shown, "is a folder", expected="a manifest", fix="name a file in it, such as shots.yaml"
        ) from None
    except OSError as error:
        raise Refused.because(shown, f"cannot be read: {error.strerror}", fix="check the file's permissions") from error


def _currency(parsed: Manifest) -> str:
    """What the region bills in; the emulator uses the budget's currency."""
    if parsed.provider.priced_in is not None:
        return parsed.provider.priced_in.currency
    if parsed.provider.name is ProviderName.EMULATOR and parsed.budget is not None:
        return parsed.budget.currency
    return parsed.provider.region.currency


def _music_findings(name: str | None, files: ProjectFiles) -> Iterator[Finding]:
    """Clips can be rendered without the film's music, which may come last."""
    found = None if name is None else files.use(name, soundtrack.kind)
    if isinstance(found, Finding):
        yield replace(found, path=("film", "music"), severity=Severity.WARNING)


def _output_findings(folder: Path, root: Path, output_dir: str) -> Iterator[Finding]:
    """The output folder must be inside the project, links followed."""
    path = folder / output_dir
    if not path.resolve().is_relative_to(root):
        yield Finding(
            path=("output", "dir"),
            what=f"the output folder {echoed(output_dir)} leads out of the project through a symbolic link",
            expected="a folder inside the project",
            fix="change `dir`, or replace the link with a folder",
        )
    elif path.exists() and not path.is_dir():
        yield Finding(
            path=("output", "dir"),
            what=f"{echoed(output_dir)} is a file",
            expected="a folder for the clips; kfpipe creates it when it does not exist",
            fix="change `dir`, or move the file away",
        )
