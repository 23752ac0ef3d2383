"""One task and its life, as a function of virtual time."""

import hashlib
import math
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from enum import StrEnum

from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.animatic import Stopped
from kfpipe.emulator.film.burn_in import BurnIn
from kfpipe.emulator.film.formats import Format
from kfpipe.emulator.film.scene import Film, Scene
from kfpipe.emulator.models import HOUR_S, Model, Sound, Watermark
from kfpipe.emulator.settings import MAIN, FilmStyle
from kfpipe.emulator.validation import Order

DAY_S = 24 * 3600

_TIMED_OUT = ("InternalError.Timeout", "The task was not finished in time.")


class TaskStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"


@dataclass(slots=True, kw_only=True)
class Quirks:
    """What a scripted fault makes of one task; none by default. Seconds are virtual ones of the task's life."""

    failure: tuple[str | None, str | None] | None = None  # code and message, either of which may be missing
    unknown_queries: int = 0  # this many more queries say UNKNOWN
    unknown_after_s: float = 0.0  # from here on queries say UNKNOWN,
    unknown_s: float = 0.0  # for so long
    unlisted_lists: int = 0  # this many more lists leave it out
    unlisted_s: float = 0.0  # lists leave it out for so long
    has_float_usage: bool = False
    charged_seconds: int | None = None
    film_width_px: int | None = None  # the clip's, where it is not what was ordered
    film_height_px: int | None = None
    film_seconds: int | None = None
    film_format: str = Format.H264
    film_drifts: list[str] = field(default_factory=list)  # ends of the clip, first and last, that show another picture


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """Times are virtual epoch seconds. `order` and `film` are missing where the request itself was at fault."""

    id: str
    request_id: str
    account: str = MAIN
    key_id: str
    model: Model
    prompt: str | None  # as sent
    label: str = ""  # what its clip is called in the picture; none if empty
    digest: str
    order: Order | None
    film_seed: int
    film: Future[Film] | None
    marked_film: Future[Film] | None = None  # the clip with a mark on it, where that is a second one
    refusal: TaskRefused | None
    quirks: Quirks = field(default_factory=Quirks)
    submitted_at: float
    ready_at: float  # when it has queued long enough, should a place be free
    run_s: float
    started_at: float | None = None
    canceled_at: float | None = None

    def status(self, now: float) -> TaskStatus:
        if self.canceled_at is not None:
            return TaskStatus.CANCELED
        if self.started_at is None:
            return TaskStatus.PENDING if now < self.gives_up_at() else TaskStatus.FAILED
        if now < self.started_at:
            return TaskStatus.PENDING
        ended_at = self.ended_at()
        if ended_at is None or now < ended_at:
            return TaskStatus.RUNNING
        return TaskStatus.FAILED if self.failure() is not None else TaskStatus.SUCCEEDED

    def ended_at(self) -> float | None:
        """When it ends or ended, never before its clip is there; None while that is not known.

        A task that waits ends when it gives up, if no place is free before.
        """
        if self.canceled_at is not None:
            return self.canceled_at
        if self.started_at is None:
            return None if math.isinf(gives_up_at := self.gives_up_at()) else gives_up_at
        run_ends_at = self.run_ends_at()
        if self.film is None or self.quirks.failure is not None or self.has_timed_out():
            return run_ends_at
        if not _is_settled(self.film):
            return None
        if self.film.exception():
            return run_ends_at
        if self.marked_film is not None and not _is_settled(self.marked_film):
            return None
        return max(run_ends_at, self.film.result().made_at)

    def gives_up_at(self) -> float:
        """Until when it waits for a place; it fails then. Infinite where the model sets no limit."""
        patience = self.model.patience
        return self.submitted_at + min(patience.waiting_s, patience.in_all_s)

    def run_ends_at(self) -> float:
        """When its place is free again: at the end of its work, or of the model's patience with it."""
        assert self.started_at is not None
        patience = self.model.patience
        longest_s = min(patience.running_s, self.submitted_at + patience.in_all_s - self.started_at)
        return self.started_at + min(self.run_s, longest_s)

    def has_timed_out(self) -> bool:
        """Whether it has failed, or will, because it found no place in time or ran for too long."""
        return self.started_at is None or self.run_ends_at() < self.started_at + self.run_s

    def failure(self) -> tuple[str | None, str | None] | None:
        """Code and message the task fails or will fail with; None if it succeeds, as far as can be known."""
        if self.quirks.failure is not None:
            return self.quirks.failure
        if self.has_timed_out():
            return _TIMED_OUT
        refusal: BaseException | None = self.refusal
        if self.film is not None and _is_settled(self.film):
            refusal = self.film.exception()
        if refusal is None:
            return None
        if isinstance(refusal, TaskRefused):
            return refusal.code, refusal.message
        return "InternalError.Algo", "The clip could not be made."

    def is_hidden(self, now: float) -> bool:
        """Whether a fault makes queries blind to it."""
        age_s = now - self.submitted_at - self.quirks.unknown_after_s
        return self.quirks.unknown_queries > 0 or 0 <= age_s < self.quirks.unknown_s

    def is_unlisted(self, now: float) -> bool:
        """Whether a fault makes lists leave it out."""
        return self.quirks.unlisted_lists > 0 or now < self.submitted_at + self.quirks.unlisted_s

    def is_forgotten(self, now: float) -> bool:
        """Whether the service has dropped its record: a day after the end."""
        ended_at = self.ended_at()
        return ended_at is not None and now >= ended_at + DAY_S

    def is_gone(self, now: float) -> bool:
        """Whether not even a link to its clip works any more."""
        ended_at = self.ended_at()
        return ended_at is not None and now >= ended_at + max(DAY_S, self.model.link_life_h * HOUR_S)

    @property
    def billed_seconds(self) -> int:
        assert self.order is not None
        return self.order.seconds if self.quirks.charged_seconds is None else self.quirks.charged_seconds


def scene_of(task: Task, style: FilmStyle) -> Scene | None:
    """What the task's clip shows; None for a task that will have none. In the tiny style no seed matters."""
    order, quirks = task.order, task.quirks
    if order is None or quirks.failure is not None or task.canceled_at is not None:
        return None
    # The prompt moves the camera too: another text ought to look like another take.
    seed = int.from_bytes(hashlib.sha256(f"{task.digest}/{task.film_seed}".encode()).digest()[:4], "big")
    return Scene(
        width_px=quirks.film_width_px or order.width_px,
        height_px=quirks.film_height_px or order.height_px,
        seconds=quirks.film_seconds or order.seconds,
        format=Format(quirks.film_format),
        drifts=tuple(sorted({*quirks.film_drifts})),
        # A last frame alone is all there is to move on.
        first=order.media.get("first_frame") or order.media.get("first_clip") or order.media["last_frame"],
        goes_on="first_clip" in order.media,
        last=order.media.get("last_frame"),
        driving_audio=order.media.get("driving_audio"),
        has_sound=order.has_sound and task.model.sound is not Sound.NEVER,
        has_watermark=order.watermark and task.model.watermark is not Watermark.COPY,
        rate=task.model.frames_per_second,
        extra_frames=task.model.extra_frames,
        burn_in=BurnIn(name=task.label, seed=order.seed) if task.label and style is FilmStyle.MOVING else None,
        seed=0 if style is FilmStyle.TINY else seed,
        style=style,
    )


def marked_scene_of(task: Task, style: FilmStyle) -> Scene | None:
    """What its second clip shows, where a mark makes one."""
    if task.order is None or not task.order.watermark or task.model.watermark is not Watermark.COPY:
        return None
    scene = scene_of(task, style)
    return None if scene is None else replace(scene, has_watermark=True)


def _is_settled(film: Future[Film]) -> bool:
    """Whether the clip is there or will never be; a clip that was given up when the emulator stopped is neither."""
    return film.done() and not film.cancelled() and not isinstance(film.exception(), Stopped)
