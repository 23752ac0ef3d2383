"""Plays the track of `manifests/morphs.yaml`: sixteen bars of plucked chords, which end where they begin.

python docs/track.py [FILE]
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import av

TRACK = Path(__file__).resolve().parents[1] / "manifests" / "morphs" / "track.mp3"
RATE_HZ, BIT_RATE = 24_000, 24_000
BAR_S = 2.0
FRAME = 576  # samples, as an MP3 of this rate has them

CHORDS = ("Am", "F", "C", "G", "Am", "F", "C", "E", "Dm", "Am", "F", "G", "Dm", "F", "G", "E")
NOTES = {  # semitones above A
    "Am": (0, 3, 7, 12),
    "C": (3, 7, 10, 15),
    "Dm": (5, 8, 12, 17),
    "E": (-5, -1, 2, 7),
    "F": (-4, 0, 3, 8),
    "G": (-2, 2, 5, 10),
}
FIGURE = (0, 2, 1, 3, 2, 1, 3, 2)
"""Which note of the chord each eighth of a bar plucks."""


def samples() -> list[int]:
    sound = [0.0] * round(len(CHORDS) * BAR_S * RATE_HZ)
    for bar, chord in enumerate(CHORDS):
        notes = NOTES[chord]
        _pluck(sound, bar * BAR_S, notes[0] - 24, loudness=0.34, fades_s=1.1)
        for eighth, note in enumerate(FIGURE):
            _pluck(sound, bar * BAR_S + eighth * BAR_S / 8, notes[note], loudness=0.16, fades_s=0.4)
    return [round(20_000 * math.tanh(value)) for value in sound]


def _pluck(sound: list[float], begins_s: float, semitones: int, *, loudness: float, fades_s: float) -> None:
    """Adds a note of three partials; what rings on beyond the end is heard at the beginning."""
    pitch_hz = 220 * 2 ** (semitones / 12)
    first = round(begins_s * RATE_HZ)
    for number in range(round(4 * fades_s * RATE_HZ)):
        second = number / RATE_HZ
        swell = min(1.0, second / 0.008) * math.exp(-second / fades_s)
        turn = 2 * math.pi * pitch_hz * second
        wave = math.sin(turn) + 0.35 * math.sin(2 * turn) + 0.12 * math.sin(3 * turn)
        sound[(first + number) % len(sound)] += loudness * swell * wave


def _frames(numbers: list[int]) -> Iterator[av.AudioFrame]:
    for begins in range(0, len(numbers), FRAME):
        part = numbers[begins : begins + FRAME]
        frame = av.AudioFrame(format="s16p", layout="mono", samples=len(part))
        frame.planes[0].update(struct.pack(f"<{len(part)}h", *part).ljust(frame.planes[0].buffer_size, b"\0"))
        frame.pts, frame.sample_rate = begins, RATE_HZ
        yield frame


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TRACK
    with av.open(str(path), "w", format="mp3", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libmp3lame", rate=RATE_HZ, layout="mono")
        stream.bit_rate = BIT_RATE
        for frame in _frames(samples()):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
