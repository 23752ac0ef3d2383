"""The sound of a clip: a quiet pad of a few slow sine voices, which its seed chooses."""

import random
from collections.abc import Iterator

import av
from av.container import OutputContainer

SAMPLE_RATE = 48_000

_VOICE_RATE = 12_000  # no voice is higher than 600 Hz, so fewer samples are computed and then resampled
_ROOTS_HZ = (110.0, 123.47, 130.81, 146.83, 164.81)
_CHORDS = ((1, 3 / 2, 2, 5 / 2), (1, 3 / 2, 9 / 4, 3), (1, 4 / 3, 2, 8 / 3), (1, 3 / 2, 2, 12 / 5))
_FADE_IN_S = 0.8
_FADE_OUT_S = 1.2
_LOUDNESS = 0.05


def write(container: OutputContainer, seed: int, seconds: int) -> None:
    """Add a stereo AAC track of `seconds` to the container; equal seeds sound alike."""
    stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    stream.bit_rate = 96_000
    stream.codec_context.thread_count = 1
    for frame in _pad(seed, seconds):
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _pad(seed: int, seconds: int) -> Iterator[av.AudioFrame]:
    # libav's own generator: the same sum in Python would take longer than the picture.
    graph = av.filter.Graph()
    source = graph.add("aevalsrc", exprs=_expression(seed, seconds), s=str(_VOICE_RATE), d=str(seconds))
    shape = graph.add("aformat", f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={SAMPLE_RATE}")
    frames_of_1024 = graph.add("asetnsamples", "n=1024:p=0")
    sink = graph.add("abuffersink")
    graph.link_nodes(source, shape, frames_of_1024, sink).configure()
    while True:
        try:
            frame = graph.pull()
        except (av.EOFError, av.BlockingIOError):
            return
        assert isinstance(frame, av.AudioFrame)
        yield frame


def _expression(seed: int, seconds: int) -> str:
    """One formula for each ear, slightly apart in pitch and breath, under a common fade."""
    rng = random.Random(seed)  # noqa: S311  not for secrets: the same seed has to sound the same
    root = rng.choice(_ROOTS_HZ)
    voices = [(root * ratio, rng.uniform(0.08, 0.22), rng.uniform(0, 6.28)) for ratio in rng.choice(_CHORDS)]
    fade = f"min(1,t/{_FADE_IN_S})*min(1,({seconds}-t)/{_FADE_OUT_S})"
    ears = []
    for detune in (0.9985, 1.0015):
        parts = [
            f"{_LOUDNESS / (1 + index * 0.6):.4f}*(0.7+0.3*sin({6.2832 * breath:.4f}*t+{phase + detune:.4f}))"
            f"*sin({6.283185 * pitch * detune:.5f}*t)"
            for index, (pitch, breath, phase) in enumerate(voices)
        ]
        ears.append(f"{fade}*({'+'.join(parts)})")
    return "|".join(ears)
