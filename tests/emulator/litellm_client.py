"""A program of its own, which makes clips with LiteLLM: `python litellm_client.py BASE_URL`. Prints what came of it.

It runs where LiteLLM is installed, which need not be where kfpipe is.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches one

import litellm

FRAMES = [
    {"type": "first_frame", "url": "https://pictures.example/a.png"},
    {"type": "last_frame", "url": "https://pictures.example/b.png"},
]


def made(model: str, service: dict[str, str], **given: object) -> dict[str, object]:
    """Create, poll, fetch: all that LiteLLM does with this service."""
    video = litellm.video_generation(
        model=f"dashscope/{model}", prompt="A lamp goes on.", seconds="2", resolution="720P", **given, **service
    )
    states = [video.status]
    while states[-1] not in ("completed", "failed"):
        time.sleep(0.05)
        video = litellm.video_status(video_id=video.id, **service)
        states.append(video.status)
    content = litellm.video_content(video_id=video.id, **service) if states[-1] == "completed" else b""
    error = getattr(video, "error", None) or {}
    return {
        "first": states[0],
        "last": states[-1],
        "usage": video.usage,
        "is_mp4": content[4:8] == b"ftyp",
        "error": error,
    }


def refused(model: str, service: dict[str, str]) -> str:
    try:
        made(model, service, media=FRAMES)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    service = {"api_key": "sk-anything", "api_base": sys.argv[1]}
    told = {
        "wan2.7-i2v": made("wan2.7-i2v", service, media=FRAMES),
        "wan3.0-video": made("wan3.0-video", service, media=FRAMES, ratio="16:9", audio=False),
        "without frames": made("wan3.0-video", service, media=[{**FRAMES[0], "type": "reference_image"}, FRAMES[1]]),
        "by the wrong path": refused("wan2.2-kf2v-flash", service),
    }
    sys.stdout.write(json.dumps(told, default=str))
