"""Pictures cut from rendered clips, and the whole of them, for the takes that continue from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from kfpipe.domain import FrameEnd, LocalMedium
from kfpipe.errors import BadRender
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, storage
from kfpipe.lock.states import Render
from kfpipe.media.containers import ClipFormat, container_of
from kfpipe.media.facts import Recording, RecordingFacts

FOLDER: Final = "cuts"


def cut(render: Render, end: FrameEnd, *, folder: Path, state_dir: Path) -> LocalMedium:
    """The first or last picture of a rendered clip, as a file in `state_dir`.

    `folder` is the manifest's. The medium's digest is that of the decoded picture: H.264 decodes to the same picture
    everywhere, while no two machines need to write the same PNG. Raises `BadRender`, StorageFailed.
    """
    target = state_dir / FOLDER / cut_name(render, end)
    with storage(target):
        known = _known(target)
        if known is not None:
            return known
        from kfpipe.media import pictures  # PyAV and Pillow are slow to load, and only a new cut needs them

        picture = pictures.cut(folder / render.path, end)
        png = picture.png
        medium = LocalMedium(
            path=target.relative_to(folder).as_posix(),
            sha256=hashlib.sha256(png).hexdigest(),
            size_bytes=len(png),
            mime_type="image/png",
            width_px=picture.width_px,
            height_px=picture.height_px,
            pixels=picture.sha256,
        )
        make_state_dir(state_dir)
        durable.make_folder(target.parent)
        durable.replace(target, [png])
        durable.replace(_note(target), [json.dumps(asdict(medium)).encode()])
        return medium


def cut_name(render: Render, end: FrameEnd) -> str:
    """The name of the file that holds this picture of the clip; of any other clip it has another name."""
    return f"{render.sha256[:32]}.{end}.png"


def whole(render: Render, *, folder: Path) -> Recording:
    """What is known of a rendered clip that another one continues, from its record. Raises BadRender, OSError."""
    container = container_of(folder / render.path)
    if container is None:
        raise BadRender("the file is not an MP4, MOV or WebM")
    facts = RecordingFacts(
        format=container.value,
        mime_type="video/quicktime" if container is ClipFormat.MOV else "video/mp4",
        size_bytes=render.size_bytes,
        seconds=render.duration_s,
        width_px=render.width_px,
        height_px=render.height_px,
    )
    return Recording(facts=facts, sha256=render.sha256)


def _known(target: Path) -> LocalMedium | None:
    """What an earlier cut has noted; the name holds the clip's digest, so it is still true if the picture is there."""
    try:
        medium = LocalMedium(**json.loads(_note(target).read_bytes()))
        return medium if target.stat().st_size == medium.size_bytes else None
    except (OSError, ValueError, TypeError):
        return None


def _note(target: Path) -> Path:
    return target.with_suffix(".json")
