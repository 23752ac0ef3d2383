"""What is known of an account from its events, and what of it still matters. No files in here."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from kfpipe.emulator.film.scene import StoredFile
from kfpipe.emulator.journal.events import Began, Canceled, Event, Filmed, Granted, Opened, Passed, Submitted, Uploaded
from kfpipe.emulator.journal.log import Entry
from kfpipe.emulator.settings import FilmStyle
from kfpipe.emulator.tasks import Task, marked_scene_of, scene_of

_AFTERWORK_S = 3600


@dataclass(slots=True, kw_only=True)
class AccountState:
    """Tasks are in the order they were made and have no clips yet: those in `films` are there, by scene digest."""

    secret: str = field(default_factory=lambda: secrets.token_hex(20), repr=False)
    factor: float = 1.0  # of the clock, as it last ran
    tasks: dict[str, Task] = field(default_factory=dict)
    grants: dict[str, Granted] = field(default_factory=dict)
    objects: dict[str, Uploaded] = field(default_factory=dict)
    films: dict[str, Filmed] = field(default_factory=dict)

    def happen(self, event: Event) -> None:
        """Raises KeyError for an event of a task that is not known, and TypeError for no event."""
        match event:
            case Opened():
                self.secret, self.factor = event.secret, event.factor
            case Submitted():
                self.tasks[event.task.id] = event.task
            case Began():
                self.tasks[event.task_id].started_at = event.started_at
            case Canceled():
                self.tasks[event.task_id].canceled_at = event.canceled_at
            case Granted():
                self.grants[event.upload_dir] = event
            case Uploaded():
                self.objects[event.key] = event
            case Filmed():
                self.films[event.scene] = event
            case Passed():
                pass
            case _:
                raise TypeError(f"no event: {event!r}")

    def forget(self, now: float, style: FilmStyle) -> None:
        """Drop what the service would have dropped by now, and clips whose tasks are all gone."""
        self.tasks = {task_id: task for task_id, task in self.tasks.items() if not task.is_gone(now)}
        self.grants = {folder: grant for folder, grant in self.grants.items() if grant.expires_at > now}
        self.objects = {key: upload for key, upload in self.objects.items() if upload.expires_at > now}
        ordered = (of(task, style) for task in self.tasks.values() for of in (scene_of, marked_scene_of))
        scenes = {scene.digest for scene in ordered if scene is not None}
        self.films = {scene: film for scene, film in self.films.items() if scene in scenes}

    def events(self, factor: float) -> Iterator[Event]:
        """Events from which all of it can be rebuilt, by an emulator whose clock runs at `factor`."""
        yield Opened(secret=self.secret, factor=factor)
        yield from chain(self.grants.values(), self.objects.values(), self.films.values())
        for task in self.tasks.values():
            yield Submitted(task=task)

    def files(self) -> set[str]:
        """Digests of the files that tasks and uploads are about."""
        media = (file for task in self.tasks.values() if task.order is not None for file in task.order.media.values())
        uploaded = (upload.file for upload in self.objects.values())
        return {file.sha256 for file in chain(media, uploaded) if isinstance(file, StoredFile)}


def recalled(entries: Iterable[Entry]) -> AccountState:
    """Raises KeyError for entries that do not belong together."""
    recalled = AccountState()
    for entry in entries:
        recalled.happen(entry.event)
    return recalled


def resumes_at(last: Entry, factor: float, wall_s: float) -> float:
    """The virtual time at which an account continues whose last entry is `last`, when its clock ran at `factor`.

    The service has worked on meanwhile at the old pace, but for one virtual hour at most, in which all work in hand
    comes to its end. Then it waits until the time of day has caught up: a fast clock would otherwise make records
    that are kept for a day expire during lunch. Never earlier than any time that was reported, as `MARK_EVERY_S` is
    shorter than the hour.
    """
    asleep_s = max(0.0, wall_s - last.wall_s)
    return max(wall_s, last.at + min(asleep_s * factor, _AFTERWORK_S))
