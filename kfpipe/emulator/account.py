"""An account behind the API: its tasks, its limits and its bill. No HTTP in here.

Every public method may be called from any thread, and answers for the present moment of the virtual clock.
"""

import hashlib
import json
import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from kfpipe.emulator import billing, validation
from kfpipe.emulator.billing import Bill
from kfpipe.emulator.clock import Clock
from kfpipe.emulator.errors import Denied, TaskRefused
from kfpipe.emulator.film.scene import MediaFile, RemoteFile
from kfpipe.emulator.journal.events import Began, Canceled, Submitted
from kfpipe.emulator.journal.log import EventLog
from kfpipe.emulator.models import Dialect, Model
from kfpipe.emulator.rate_limit import RateLimit
from kfpipe.emulator.renderer import Renderer
from kfpipe.emulator.scheduler import Lane
from kfpipe.emulator.settings import OverLimit, Settings, Span
from kfpipe.emulator.task_list import Page, Query, Register
from kfpipe.emulator.tasks import Quirks, Task, TaskStatus, marked_scene_of, scene_of

STRANGER = "149999"
"""The id of a key that no client of the emulator has."""

_QUEUE_FULL = "Throttling"
"""The service does not say with which code it refuses a task that may not even wait: this is its general one."""

_DIGEST_SHOWN = 8  # of the digest by which the bill knows the request

_QUERIES_PER_SECOND = 20
_POLICIES_PER_SECOND = 100


class Account:
    """`throttled` counts the requests refused with 429, by kind: submit, query or policy.

    `earlier` are the tasks of an earlier life, oldest first: they continue.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        clock: Clock,
        renderer: Renderer,
        event_log: EventLog,
        earlier: Iterable[Task] = (),
    ) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock
        self.models = settings.offered
        self.tariff = settings.tariff
        self.throttled: Counter[str] = Counter()
        self._renderer = renderer
        self._event_log = event_log
        self._tasks: dict[str, Task] = {}
        self._register = Register()
        self._unlisted: list[Task] = []
        self._lanes: dict[tuple[str, str | None], Lane] = {}
        self._submissions: dict[str, RateLimit] = {}
        self._queries = RateLimit(self._limit("queries_per_second", _QUERIES_PER_SECOND), clock.real_s)
        self._policies = RateLimit(self._limit("policies_per_second", _POLICIES_PER_SECOND), clock.real_s)
        self._seen: Counter[str] = Counter()
        self._lock = threading.RLock()
        for task in earlier:
            self._seen[task.digest] += 1
            self._take_in(task)

    def submit(
        self,
        model: Model,
        body: Mapping[str, Any],
        fetch: validation.Fetch,
        *,
        key_id: str,
        label: str | None = None,
        quirks: Quirks | None = None,
    ) -> Task:
        """A new task; what is wrong with its request shows when it is queried. Raises `Denied` beyond the rate.

        `label` is what the clip is called in the picture: part of the request's digest if it is None, nothing if empty.
        """
        with self._lock:
            now = self._settle()
            self._admit_submission(model, key_id)
            task = self._task(model, body, fetch, now, key_id, quirks or Quirks())
            if self.settings.burn_in:
                task.label = f"request {task.digest[:_DIGEST_SHOWN]}" if label is None else label
            return self._made(task)

    def plant(
        self,
        prompt: str,
        model: str = "wan2.7-i2v",
        created_at: float | None = None,
        *,
        key_id: str = STRANGER,
        quirks: Quirks | None = None,
        **parameters: Any,
    ) -> Task:
        """A task that another program made with the account's money. Raises KeyError for a model that is not offered.

        `created_at` is a time of the virtual clock, now by default; `parameters` are the request's own: resolution,
        duration, seed. No rate counts it, but it takes a place, and it is billed.
        """
        with self._lock:
            now = self._settle()
            body = _foreign_body(self.models[model], prompt, parameters)
            at = now if created_at is None else created_at
            return self._made(self._task(self.models[model], body, RemoteFile, at, key_id, quirks or Quirks()))

    def task(self, task_id: str) -> Task | None:
        """The task, as of now; None for an id that was never given out or has been forgotten."""
        with self._lock:
            now = self._settle()
            task = self._tasks.get(task_id)
            return None if task is None or task.is_forgotten(now) else task

    def linked(self, task_id: str) -> Task | None:
        """The task as long as a link to its clip may work, which may be longer than anybody is told of it."""
        with self._lock:
            now = self._settle()
            task = self._tasks.get(task_id)
            return None if task is None or task.is_gone(now) else task

    def query(self, task_id: str) -> Task | None:
        """What a client's query finds: like `task`, but within the rate, and blind where a fault says so."""
        with self._lock:
            self.admit_query()
            task = self.task(task_id)
            if task is not None and task.is_hidden(self.clock.now()):
                task.quirks.unknown_queries = max(0, task.quirks.unknown_queries - 1)
                return None
            return task

    def page(self, query: Query, *, delay_s: float = 0.0) -> Page:
        """A page of the task list as it was `delay_s` ago."""
        with self._lock:
            now = self._settle() - delay_s
            hidden = self._unlisted = [task for task in self._unlisted if task.is_unlisted(now)]
            page = self._register.page(query, now, hidden)
            for task in hidden:
                task.quirks.unlisted_lists = max(0, task.quirks.unlisted_lists - 1)
            return page

    def cancel(self, task_id: str) -> None:
        """Raises `Denied` unless the task is still PENDING."""
        with self._lock:
            task = self.task(task_id)
            now = self.clock.now()
            if task is None or task.status(now) is not TaskStatus.PENDING:
                message = "Failed to cancel the task, please confirm if the task is in PENDING status."
                raise Denied(400, "UnsupportedOperation", message)
            self._lane(task.model, task.key_id).cancel(task, now)
            self._event_log.note(Canceled(task_id=task.id, canceled_at=now))

    def bill(self) -> Bill:
        """Every task that has succeeded by now, oldest first, whether or not it was queried."""
        with self._lock:
            now = self._settle()
            succeeded = [task for task in self._register.tasks() if task.status(now) is TaskStatus.SUCCEEDED]
            return billing.bill(succeeded, self.tariff)

    def tasks(self) -> tuple[Task, ...]:
        """All tasks ever made, oldest first."""
        with self._lock:
            self._settle()
            return self._register.tasks()

    def limits_of(self, model: Model) -> dict[str, int]:
        """How many requests and tasks of a model the account may have, by the names of the settings."""
        names = ("submissions_per_second", "concurrent_tasks", "queued_tasks")
        return {name: self._limit(name, getattr(model.limits, name)) for name in names}

    def admit_query(self) -> None:
        """Count one of the account's queries, lists or cancellations. Raises `Denied` beyond the rate."""
        self._admit(self._queries, "query")

    def admit_policy(self) -> None:
        self._admit(self._policies, "policy")

    def _lane(self, model: Model, key_id: str) -> Lane:
        """Where the model's tasks find their places: together with those of its group, and of one key or of all."""
        name = (model.place_group, key_id if model.limits.is_per_key else None)
        if name not in self._lanes:
            self._lanes[name] = Lane(self.limits_of(model)["concurrent_tasks"])
        return self._lanes[name]

    def _pace(self, model: Model) -> RateLimit:
        name = model.pace_group
        if name not in self._submissions:
            self._submissions[name] = RateLimit(self.limits_of(model)["submissions_per_second"], self.clock.real_s)
        return self._submissions[name]

    def _admit_submission(self, model: Model, key_id: str) -> None:
        self._admit(self._pace(model), "submit")
        lane = self._lane(model, key_id)
        is_refused = self.settings.over_limit is OverLimit.REFUSE and lane.is_full()
        if is_refused or lane.is_queue_full(model.name, self.limits_of(model)["queued_tasks"]):
            self.throttled["submit"] += 1
            code = "Throttling.RateQuota" if is_refused else _QUEUE_FULL
            raise Denied(429, code, "Too many concurrent tasks of this model.")

    def _admit(self, throttle: RateLimit, kind: str) -> None:
        with self._lock:
            if self.settings.enforces_rates and not throttle.admits():
                self.throttled[kind] += 1
                raise Denied(429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")

    def _task(
        self, model: Model, body: Mapping[str, Any], fetch: validation.Fetch, now: float, key_id: str, quirks: Quirks
    ) -> Task:
        order: validation.Order | None = None
        refusal: TaskRefused | None = None
        try:
            order = validation.order(model, body, fetch, self.settings.switches)
        except TaskRefused as refused:
            refusal = refused
        digest = _digest(model, body) if order is None else _order_digest(model, order)
        self._seen[digest] += 1
        # A string seeds the same way in every process; the count distinguishes a repeated request from the first.
        rng = random.Random(f"{self.settings.seed}/{digest}/{self._seen[digest]}")  # noqa: S311  not for secrets
        queue_s, run_s = (0.0, rng.uniform(0.1, 3.0)) if order is None else self._drawn_times(model, rng)
        return Task(
            # Random even for a fixed seed: an id must never come back in another life of the emulator.
            id=str(uuid.uuid4()),
            request_id=str(uuid.uuid4()),
            account=self.name,
            key_id=key_id,
            model=model,
            prompt=_prompt_as_sent(body),
            digest=digest,
            order=order,
            film_seed=rng.getrandbits(31) if order is None or order.seed is None else order.seed,
            film=None,
            refusal=refusal,
            quirks=quirks,
            submitted_at=now,
            ready_at=now + queue_s,
            run_s=run_s,
            started_at=now if order is None else None,
        )

    def _made(self, task: Task) -> Task:
        """The task, once the account will not forget it any more."""
        self._event_log.note(Submitted(task=task))
        self._take_in(task)
        self._settle()
        return task

    def _take_in(self, task: Task) -> None:
        """Give the task its clip, and its place among the others."""
        scene = scene_of(task, self.settings.film)
        if scene is not None:
            task.film = self._renderer.order(scene)
        marked = marked_scene_of(task, self.settings.film)
        if marked is not None:
            task.marked_film = self._renderer.order(marked)
        self._tasks[task.id] = task
        self._register.add(task)
        if task.is_unlisted(self.clock.now()):
            self._unlisted.append(task)
        lane = self._lane(task.model, task.key_id)
        if task.order is None or task.canceled_at is not None:
            return
        if task.started_at is None:
            lane.join(task)
        else:
            lane.resume(task)

    def _drawn_times(self, model: Model, rng: random.Random) -> tuple[float, float]:
        run_s = model.run_s if self.settings.run_s is None else self.settings.run_s
        return _drawn(rng, self.settings.queue_s), _drawn(rng, run_s)

    def _settle(self) -> float:
        now = self.clock.now()
        for lane in self._lanes.values():
            for task in lane.settle(now):
                assert task.started_at is not None
                self._event_log.note(Began(task_id=task.id, started_at=task.started_at))
        self._event_log.mark(now)
        return now

    def _limit(self, name: str, default: int) -> int:
        return self.settings.limits.get(name, default)


def _drawn(rng: random.Random, span: Span) -> float:
    return rng.uniform(*span) if isinstance(span, tuple) else span


def _foreign_body(model: Model, prompt: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A request between two pictures that lie elsewhere."""
    pictures = {role: f"https://example.com/{role}.png" for role in ("first_frame", "last_frame")}
    given: dict[str, Any]
    match model.dialect:
        case Dialect.FRAME_URLS:
            given = {f"{role}_url": url for role, url in pictures.items()}
        case Dialect.IMG_URL:
            given = {"img_url": pictures["first_frame"]}
        case Dialect.IMAGES:
            given = {"media": [{"type": "image", "url": url} for url in pictures.values()]}
        case Dialect.ROLES:
            taken = frozenset(pictures) in model.role_sets
            roles = pictures if taken else ("first_frame",)
            given = {"media": [{"type": role, "url": pictures[role]} for role in roles]}
    return {"model": model.name, "input": {"prompt": prompt, **given}, "parameters": dict(parameters)}


def _prompt_as_sent(body: Mapping[str, Any]) -> str | None:
    given = body.get("input")
    prompt = given.get("prompt") if isinstance(given, dict) else None
    return prompt if isinstance(prompt, str) else None


def _digest(model: Model, body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([model.name, body], sort_keys=True).encode()).hexdigest()


def _order_digest(model: Model, order: validation.Order) -> str:
    """One digest for all requests that ask for the same clip, however their files were handed over."""
    return _digest(
        model,
        {
            "prompt": order.prompt,
            "negative_prompt": order.negative_prompt,
            "template": order.template,
            "media": {role: _media_digest(file) for role, file in order.media.items()},
            "tier": order.tier,
            "seconds": order.seconds,
            "seed": order.seed,
            "prompt_extend": order.prompt_extend,
            "watermark": order.watermark,
            "audio": order.has_sound,
            "ratio": order.ratio,
            "size": [order.width_px, order.height_px],
        },
    )


def _media_digest(file: MediaFile) -> str:
    return file.url if isinstance(file, RemoteFile) else file.sha256
