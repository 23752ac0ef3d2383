"""The clips: an animatic that moves from the first picture to the last one, as a real MP4.

One camera looks at both pictures: it pushes in towards a point the seed chooses and settles back, while the first
picture dissolves into the last one. It starts and ends at rest, on exactly the pictures that were given. A picture
alone is a slow push-in. Resampling is dear, so only every second frame is posed; the one between is their blend, which
at about a pixel a frame looks like motion blur.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise, repeat
from pathlib import Path

import av

from kfpipe.emulator.film import pictures, sound
from kfpipe.emulator.film.formats import Format
from kfpipe.emulator.film.scene import Scene, StoredFile
from kfpipe.emulator.film.yuv import Box, Planes, Stamp, blend, from_picture, stamped, to_video_frame, zoomed

FRAMES_PER_SECOND = 30

_FRAMES_PER_POSE = 2
_PUSH_IN = 0.07  # how much larger the picture stands when the camera is closest
_DISSOLVE = (0.2, 0.8)  # the part of the clip in which one picture gives way to the other


_NOISE_BYTES = 100_000
_CONTAINER_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coding:
    """How libav writes a format. Sound is AAC, which not every container holds."""

    codec: str
    container: str = "mp4"
    options: Mapping[str, str]
    takes_sound: bool = True


_CODINGS = {
    Format.H264: _Coding(codec="libx264", options={"preset": "ultrafast", "crf": "22"}),
    Format.HEVC: _Coding(
        codec="libx265", options={"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1"}
    ),
    Format.MPEG4: _Coding(codec="mpeg4", options={"q": "5"}),
    Format.WEBM: _Coding(
        codec="libvpx-vp9", container="webm", options={"deadline": "realtime", "cpu-used": "8"}, takes_sound=False
    ),
}


class Stopped(Exception):
    """The clip is no longer needed."""


def render(scene: Scene, target: Path, is_stopped: Callable[[], bool]) -> None:
    """Write the scene's clip to `target`. Raises OSError or ValueError for a picture that cannot be decoded.

    Raises `Stopped` soon after `is_stopped()` turns true; what is at `target` is then of no use.
    """
    _write(scene, target, _moving(scene), is_stopped)


def render_tiny(scene: Scene, target: Path, is_stopped: Callable[[], bool]) -> None:
    """Like `render` in size, length and sound, but a plain cut between the two pictures: a fraction of the work."""
    _write(scene, target, _cutting(scene), is_stopped)


def _write(scene: Scene, target: Path, frames: Iterator[Planes], is_stopped: Callable[[], bool]) -> None:
    if scene.format is Format.NOISE:
        target.write_bytes(random.Random(scene.digest).randbytes(_NOISE_BYTES))  # noqa: S311  not for secrets
        return
    coding = _CODINGS[scene.format]
    # One thread and no time stamps in the container: the same scene has to give the same bytes.
    with av.open(target, "w", format=coding.container, options=_CONTAINER_OPTIONS) as container:
        video = container.add_stream(coding.codec, rate=FRAMES_PER_SECOND)
        assert isinstance(video, av.VideoStream)
        video.options = {**coding.options, "g": str(FRAMES_PER_SECOND)}
        video.codec_context.thread_count = 1
        video.width, video.height, video.pix_fmt = scene.width_px, scene.height_px, "yuv420p"
        video.codec_context.time_base = Fraction(1, FRAMES_PER_SECOND)
        if scene.has_sound and coding.takes_sound:
            sound.write(container, scene)
        for index, planes in enumerate(frames):
            if is_stopped():
                raise Stopped
            container.mux(video.encode(to_video_frame(planes, index)))
        container.mux(video.encode(None))


def _cutting(scene: Scene) -> Iterator[Planes]:
    marks = _marks(scene)
    half = scene.seconds * FRAMES_PER_SECOND // 2
    start = deque(_opening(scene), maxlen=1).pop()
    yield from repeat(stamped(start, marks), half)
    yield from repeat(stamped(_end(scene) or start, marks), scene.seconds * FRAMES_PER_SECOND - half)


def _moving(scene: Scene) -> Iterator[Planes]:
    """What the clip continues from, if anything, and then the camera's path from there."""
    marks = _marks(scene)
    left = scene.seconds * FRAMES_PER_SECOND
    opening = _opening(scene)
    start = next(opening)
    for planes in opening:
        yield stamped(start, marks)
        start, left = planes, left - 1
    yield from _travelling(start, _end(scene), left, scene.seed, marks)


def _travelling(
    start: Planes, end: Planes | None, frame_count: int, seed: int, marks: tuple[Stamp, ...]
) -> Iterator[Planes]:
    """Poses of the camera, evenly spread from the first frame to the last, and blends of them in between."""
    last_index = frame_count - 1
    last_pose = math.ceil(last_index / _FRAMES_PER_POSE)
    aim = _aim(seed)
    poses = pairwise(_posed(start, end, step / last_pose, aim, marks) for step in range(last_pose + 1))
    reached, (before, after) = 0, next(poses)
    for index in range(last_index + 1):
        position = index * last_pose / last_index
        while position > reached + 1:
            reached, (before, after) = reached + 1, next(poses)
        yield blend(before, after, position - reached)


def _posed(
    start: Planes, end: Planes | None, progress: float, aim: tuple[float, float], marks: tuple[Stamp, ...]
) -> Planes:
    # Blending before zooming is the same picture as after it, at half the cost.
    picture = start if end is None else blend(start, end, _eased(progress, *_DISSOLVE))
    return stamped(zoomed(picture, _view(progress, aim, settles=end is not None)), marks)


def _opening(scene: Scene) -> Iterator[Planes]:
    """The frames before the camera starts to move, and the one it starts from: at least that one."""
    size = (scene.width_px, scene.height_px)
    if scene.goes_on and isinstance(scene.first, StoredFile):
        frames = pictures.moving(scene.first, size, FRAMES_PER_SECOND)
        return map(from_picture, islice(frames, scene.seconds * FRAMES_PER_SECOND - 2))
    return iter([from_picture(pictures.fitted(scene.first, size))])


def _end(scene: Scene) -> Planes | None:
    size = (scene.width_px, scene.height_px)
    return None if scene.last is None else from_picture(pictures.fitted(scene.last, size))


def _aim(seed: int) -> tuple[float, float]:
    """Where the camera leans while it is close: a point off the middle, in fractions of the frame."""
    angle = random.Random(seed).uniform(0, math.tau)  # noqa: S311  not for secrets: equal seeds move alike
    return 0.5 + 0.42 * math.cos(angle), 0.5 + 0.3 * math.sin(angle)


def _view(progress: float, aim: tuple[float, float], *, settles: bool) -> Box:
    """The part of the picture in view: all of it at the start, and at the end too if the camera settles."""
    closeness = math.sin(math.pi * progress) ** 2 if settles else _eased(progress, 0.0, 1.0)
    side = 1 / (1 + _PUSH_IN * closeness)
    left, top = (1 - side) * aim[0], (1 - side) * aim[1]
    return left, top, left + side, top + side


def _eased(progress: float, start: float, end: float) -> float:
    """0 up to `start`, 1 from `end` on, and a curve without a kink between them."""
    x = min(1.0, max(0.0, (progress - start) / (end - start)))
    return x * x * x * (x * (6 * x - 15) + 10)


def _marks(scene: Scene) -> tuple[Stamp, ...]:
    """Every clip says what it is, small and in a corner; the service's own watermark only where it was asked for."""
    height = max(10, min(scene.width_px, scene.height_px) // 50)
    margin = height
    label = pictures.lettering("EMULATED", height, opacity=0.35)
    marks = [Stamp(label, margin, scene.height_px - margin - label.height)]
    if scene.has_watermark:
        text = pictures.lettering("AI generated", height * 2, opacity=0.75)
        bottom_right = (scene.width_px - margin - text.width, scene.height_px - margin - text.height)
        marks.append(Stamp(text, *bottom_right))
    return tuple(marks)
