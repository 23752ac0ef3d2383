"""The sound of a clip: the audio it was given, or a quiet pad of a few slow sine voices, which its seed chooses."""

import random
from collections.abc import Iterator

import av
from av.container import OutputContainer
from av.filter import Graph
from av.filter.context import FilterContext

from kfpipe.emulator.film.scene import Scene, StoredFile

SAMPLE_RATE = 48_000

_VOICE_RATE = 12_000  # no voice is higher than 600 Hz, so fewer samples are computed and then resampled
_ROOTS_HZ = (110.0, 123.47, 130.81, 146.83, 164.81)
_CHORDS = ((1, 3 / 2, 2, 5 / 2), (1, 3 / 2, 9 / 4, 3), (1, 4 / 3, 2, 8 / 3), (1, 3 / 2, 2, 12 / 5))
_FADE_IN_S = 0.8
_FADE_OUT_S = 1.2
_LOUDNESS = 0.05


def write(container: OutputContainer, scene: Scene) -> None:
    """Add a stereo AAC track as long as the scene. Raises OSError or ValueError for audio that cannot be decoded."""
    stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    stream.bit_rate = 96_000
    stream.options = {"aac_coder": "fast"}  # in half the time; a quiet pad needs no better
    stream.codec_context.thread_count = 1
    given = scene.driving_audio
    source = _given(given, scene.seconds) if isinstance(given, StoredFile) else _pad(scene.seed, scene.seconds)
    for frame in source:
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _pad(seed: int, seconds: int) -> Iterator[av.AudioFrame]:
    # libav's own generator: the same sum in Python would take longer than the picture.
    graph = Graph()
    source = graph.add("aevalsrc", exprs=_expression(seed, seconds), s=str(_VOICE_RATE), d=str(seconds))
    graph.link_nodes(source, *_shaping(graph)).configure()
    yield from _pulled(graph)


def _given(file: StoredFile, seconds: int) -> Iterator[av.AudioFrame]:
    """The file's own sound, cut where the picture ends, and silence where it ends before."""
    with file.opened() as container:
        stream = container.streams.audio[0]
        graph = Graph()
        source = graph.add_abuffer(template=stream)
        length = (graph.add("apad"), graph.add("atrim", f"duration={seconds}"))
        graph.link_nodes(source, *length, *_shaping(graph)).configure()
        for frame in container.decode(stream):
            graph.push(frame)
        graph.push(None)
    yield from _pulled(graph)


def _shaping(graph: Graph) -> tuple[FilterContext, ...]:
    """What the encoder takes: stereo floats at its rate, 1024 samples a frame."""
    return (
        graph.add("aformat", f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={SAMPLE_RATE}"),
        graph.add("asetnsamples", "n=1024:p=0"),
        graph.add("abuffersink"),
    )


def _pulled(graph: Graph) -> Iterator[av.AudioFrame]:
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
