"""Fields of other tools: what they are called here, or why there is no such field."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

_OTHER_WORDS: Final[Mapping[str, str]] = {
    "first_frame": "image img picture still start_frame start_image begin_frame first_image first_image_url image_url "
    "img_url first_frame_url init_image input_image initial_frame image_start first_keyframe start from",
    "last_frame": "end_frame end_image end_image_url final_frame final_image last_image last_image_url last_frame_url "
    "image_tail tail_image image_end image2 last_keyframe end to",
    "negative_prompt": "negative negative_text neg neg_prompt negatives",
    "prompt": "text caption description positive_prompt positive instruction",
    "duration": "length seconds secs time clip_length duration_s duration_seconds video_length",
    "resolution": "quality res tier",
    "keyframes": "images frames stills pictures key_frames storyboard",
    "id": "name shot shot_id key",
    "tags": "tag labels label keywords",
    "vars": "variables params parameters",
    "driving_audio": "audio_url audio_file voice soundtrack speech",
    "audio": "sound generate_audio with_audio",
    "first_clip": "video clip first_video video_url init_video",
    "prompt_extend": "enhance_prompt prompt_enhance prompt_extension rewrite_prompt expand_prompt",
    "template": "effect",
    "notes": "note comment comments remark remarks",
    "attempts": "retries max_attempts tries",
    "shots": "scenes clips items videos",
    "defaults": "default settings common",
}
_MEANT: Final = {word: field for field, words in _OTHER_WORDS.items() for word in words.split()}

_SHAPE = "delete it: the clip has the shape of its first frame; `resolution` chooses how large it is"
_PACE = "delete it: the model decides how many frames a second has; `duration` is the length in seconds"
_IN_PROMPT = "describe it in `prompt`"
_NO_SETTING = "delete it: the service has no such setting"
_REASONS: Final = {
    word: reason
    for reason, words in {
        _SHAPE: "ratio size aspect_ratio aspect width height dimensions orientation video_size format",
        _PACE: "fps frames frame_rate framerate frame_count num_frames frames_per_second",
        _IN_PROMPT: "camera motion movement camera_motion camera_movement action style mood lighting",
        _NO_SETTING: "guidance guidance_scale cfg cfg_scale steps sampler strength scheduler denoise motion_strength",
    }.items()
    for word in words.split()
}


def meant_by(key: str, known: Container[str]) -> str | None:
    """The field of `known` that another tool calls `key`."""
    field = _MEANT.get(_folded(key))
    return field if field is not None and field in known else None


def singular(key: str, known: Container[str]) -> str | None:
    """The field that `key` is the plural of: `seeds` for several seeds."""
    field = _folded(key).removesuffix("s")
    return field if field != key and field in known else None


def unavailable(key: str) -> str | None:
    """Why a shot cannot have a setting that many tools have, as a fix."""
    return _REASONS.get(_folded(key))


def _folded(key: str) -> str:
    return key.strip().lower().replace("-", "_").replace(" ", "_")
