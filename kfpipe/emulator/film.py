"""The clips: an animatic that moves from the first picture to the last one, as a real MP4.

One camera looks at both pictures: it pushes in towards a point the seed chooses and settles back, while the first
picture dissolves into the last one. It starts and ends at rest, on exactly the pictures that were given. A picture
alone is a slow push-in. Resampling is dear, so only every second frame is posed; the one between is their blend, which
at about a pixel a frame looks like motion blur.
"""

import math
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise, repeat
from pathlib import Path

import av

from kfpipe.emulator import pictures, sound
from kfpipe.emulator.planes import Box, Planes, Stamp, blend, from_picture, stamped, to_video_frame, zoomed
from kfpipe.emulator.scene import Scene

FRAMES_PER_SECOND = 30

_FRAMES_PER_POSE = 2
_PUSH_IN = 0.07  # how much larger the picture stands when the camera is closest
_DISSOLVE = (0.2, 0.8)  # the part of the clip in which one picture gives way to the other


class Stopped(Exception):
    """Nobody waits for the clip any more."""


def render(scene: Scene, target: Path, is_stopped: Callable[[], bool]) -> None:
    """Write the scene's clip to `target`. Raises OSError or ValueError for a picture that cannot be decoded.

    Raises `Stopped` soon after `is_stopped()` turns true; what is at `target` is then of no use.
    """
    _write(scene, target, _moving(scene), is_stopped)


def render_tiny(scene: Scene, target: Path, is_stopped: Callable[[], bool]) -> None:
    """Like `render` in size, length and sound, but a plain cut between the two pictures: a fraction of the work."""
    _write(scene, target, _cutting(scene), is_stopped)


def _write(scene: Scene, target: Path, frames: Iterator[Planes], is_stopped: Callable[[], bool]) -> None:
    # One thread and no time stamps in the container: the same scene has to give the same bytes.
    with av.open(target, "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.options = {"preset": "ultrafast", "crf": "20", "g": str(FRAMES_PER_SECOND)}
        video.thread_count = 1
        video.width, video.height, video.pix_fmt = scene.width_px, scene.height_px, "yuv420p"
        video.codec_context.time_base = Fraction(1, FRAMES_PER_SECOND)
        if scene.has_sound:
            sound.write(container, scene.seed, scene.seconds)
        for index, planes in enumerate(frames):
            if is_stopped():
                raise Stopped
            container.mux(video.encode(to_video_frame(planes, index)))
        container.mux(video.encode(None))


def _cutting(scene: Scene) -> Iterator[Planes]:
    frame_count = scene.seconds * FRAMES_PER_SECOND
    marks = _marks(scene)
    for end in _ends(scene):
        yield from repeat(stamped(end, marks), frame_count // 2)


def _moving(scene: Scene) -> Iterator[Planes]:
    """The clip's frames: poses of the camera, evenly spread from the first frame to the last, and blends of them."""
    last_index = scene.seconds * FRAMES_PER_SECOND - 1
    last_pose = math.ceil(last_index / _FRAMES_PER_POSE)
    poses = pairwise(_poses(scene, last_pose))
    reached, (before, after) = 0, next(poses)
    for index in range(last_index + 1):
        position = index * last_pose / last_index
        while position > reached + 1:
            reached, (before, after) = reached + 1, next(poses)
        yield blend(before, after, position - reached)


def _poses(scene: Scene, last_pose: int) -> Iterator[Planes]:
    first, last = _ends(scene)
    aim = _aim(scene.seed)
    marks = _marks(scene)
    for step in range(last_pose + 1):
        progress = step / last_pose
        view = _view(progress, aim, settles=first is not last)
        # Blending before zooming is the same picture as after it, at half the cost.
        yield stamped(zoomed(blend(first, last, _eased(progress, *_DISSOLVE)), view), marks)


def _ends(scene: Scene) -> tuple[Planes, Planes]:
    """The pictures the clip starts and ends on: one and the same where only a first one was given."""
    size = (scene.width_px, scene.height_px)
    first = from_picture(pictures.fitted(scene.first, size))
    return first, first if scene.last is None else from_picture(pictures.fitted(scene.last, size))


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
