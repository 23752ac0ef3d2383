"""The clips: an animatic that moves from the first picture to the last one, as a real MP4.

One camera looks at both pictures: it makes the move that the seed chooses and settles back, while the first picture
dissolves into the last one. It starts and ends at rest, on exactly the pictures that were given. A picture alone is
moved in on. Resampling is dear, so only every second frame is posed; the one between is their blend, which at about a
pixel a frame looks like motion blur.
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
from PIL import Image

from kfpipe.emulator.film import camera, pictures, sound
from kfpipe.emulator.film.burn_in import Slate
from kfpipe.emulator.film.camera import Camera
from kfpipe.emulator.film.formats import Format
from kfpipe.emulator.film.scene import Scene, StoredFile
from kfpipe.emulator.film.yuv import Planes, Stamp, blend, from_picture, stamped, to_video_frame, zoomed

_FRAMES_PER_POSE = 2

_FRAMES_PER_KEYFRAME = 30
_FRAMES_PER_KEYFRAME_IF_TINY = 5
"""Who looks at the ends and the middle of such a clip has little to decode."""

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
    _write(scene, target, _moving(scene), _FRAMES_PER_KEYFRAME, is_stopped)


def render_tiny(scene: Scene, target: Path, is_stopped: Callable[[], bool]) -> None:
    """Like `render` in size, length and sound, but a plain cut between the two pictures: a fraction of the work."""
    _write(scene, target, _cutting(scene), _FRAMES_PER_KEYFRAME_IF_TINY, is_stopped)


def _write(
    scene: Scene, target: Path, frames: Iterator[Planes], frames_per_keyframe: int, is_stopped: Callable[[], bool]
) -> None:
    if scene.format is Format.NOISE:
        target.write_bytes(random.Random(scene.digest).randbytes(_NOISE_BYTES))  # noqa: S311  not for secrets
        return
    coding = _CODINGS[scene.format]
    # One thread and no time stamps in the container: the same scene has to give the same bytes.
    with av.open(target, "w", format=coding.container, options=_CONTAINER_OPTIONS) as container:
        video = container.add_stream(coding.codec, rate=scene.rate)
        assert isinstance(video, av.VideoStream)
        video.options = {**coding.options, "g": str(frames_per_keyframe)}
        video.codec_context.thread_count = 1
        video.width, video.height, video.pix_fmt = scene.width_px, scene.height_px, "yuv420p"
        video.codec_context.time_base = Fraction(1, scene.rate)
        if scene.has_sound and coding.takes_sound:
            sound.write(container, scene)
        shown: Planes | None = None
        for index, planes in enumerate(frames):
            if is_stopped():
                raise Stopped
            if planes is not shown:
                shown, frame = planes, to_video_frame(planes)
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def _cutting(scene: Scene) -> Iterator[Planes]:
    marks, count = _marks(scene), scene.frame_count
    slate = Slate(None, (scene.width_px, scene.height_px), count, scene.rate, 0)
    start = deque(_opening(scene), maxlen=1).pop()
    first, last = stamped(start, marks), stamped(_end(scene) or start, marks)
    marked_first, marked_last = slate.over(first, count // 2), slate.over(last, count // 2)
    yield first
    yield from repeat(marked_first, count // 2 - 1)
    yield from repeat(marked_last, count - count // 2 - 1)
    yield last


def _moving(scene: Scene) -> Iterator[Planes]:
    """What the clip continues from, if anything, and then the camera's path from there."""
    marks, count = _marks(scene), scene.frame_count
    index = 0
    opening = _opening(scene)
    start = next(opening)
    for planes in opening:
        yield stamped(start, marks)
        start, index = planes, index + 1
    end = _end(scene)
    path = camera.chosen(scene.seed, scene.seconds, settles=end is not None)
    # A clip that is continued shows as it is: it may have lettering of its own.
    slate = Slate(scene.burn_in, (scene.width_px, scene.height_px), count, scene.rate, index)
    for planes in _travelling(start, end, count - index, path, marks):
        yield slate.over(planes, index)
        index += 1


def _travelling(
    start: Planes, end: Planes | None, frame_count: int, path: Camera, marks: tuple[Stamp, ...]
) -> Iterator[Planes]:
    """Poses of the camera, evenly spread from the first frame to the last, and blends of them in between."""
    last_index = frame_count - 1
    last_pose = math.ceil(last_index / _FRAMES_PER_POSE)
    poses = pairwise(_posed(start, end, step / last_pose, path, marks) for step in range(last_pose + 1))
    reached, (before, after) = 0, next(poses)
    for index in range(last_index + 1):
        position = index * last_pose / last_index
        while position > reached + 1:
            reached, (before, after) = reached + 1, next(poses)
        yield blend(before, after, position - reached)


def _posed(start: Planes, end: Planes | None, progress: float, path: Camera, marks: tuple[Stamp, ...]) -> Planes:
    # Blending before zooming is the same picture as after it, at half the cost.
    picture = start if end is None else blend(start, end, path.weight(progress))
    return stamped(zoomed(picture, path.view(progress)), marks)


def _opening(scene: Scene) -> Iterator[Planes]:
    """The frames before the camera starts to move, and the one it starts from: at least that one."""
    size = (scene.width_px, scene.height_px)
    if scene.goes_on and isinstance(scene.first, StoredFile):
        frames = pictures.moving(scene.first, size, scene.rate)
        return map(from_picture, islice(frames, scene.frame_count - 2))
    return iter([_chequered(size) if "first" in scene.drifts else from_picture(pictures.fitted(scene.first, size))])


def _end(scene: Scene) -> Planes | None:
    size = (scene.width_px, scene.height_px)
    if scene.last is None:
        return None
    return _chequered(size) if "last" in scene.drifts else from_picture(pictures.fitted(scene.last, size))


def _chequered(size: tuple[int, int]) -> Planes:
    """A picture that looks like no still, be it as plain as it may."""
    fields = bytes(255 * ((row + column) % 2) for row in range(36) for column in range(64))
    picture = Image.frombytes("L", (64, 36), fields).convert("RGB")
    return from_picture(picture.resize(size, Image.Resampling.NEAREST))


def _marks(scene: Scene) -> tuple[Stamp, ...]:
    """The service's own watermark, only where it was asked for: on every picture, the first and the last included."""
    if not scene.has_watermark:
        return ()
    height = max(10, min(scene.width_px, scene.height_px) // 50)
    text = pictures.lettering("AI generated", height * 2, opacity=0.75)
    return (Stamp(text, scene.width_px - height - text.width, scene.height_px - height - text.height),)
