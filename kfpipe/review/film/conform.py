"""A clip's pictures in the film's size and colours: turned upright, scaled, with bars where the shapes differ."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from av.error import EOFError as EndOfFile
from av.filter import Graph
from av.video.frame import VideoFrame

from kfpipe.domain import PictureSize
from kfpipe.errors import BadRender
from kfpipe.media.display import turns

FORMAT: Final = "yuv420p"
"""Eight bits, colours in half the size: what every player shows."""

BT709: Final = 1
_FULL_RANGE: Final = 2
_HDR: Final = {16: "PQ", 18: "HLG"}
"""By the number of the transfer curve. Source: ITU-T H.273, 8.1 to 8.3."""

_MATRICES: Final = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}


@dataclass(frozen=True, slots=True)
class _Shape:
    """All that a graph depends on."""

    width_px: int
    height_px: int
    format: str
    pixel_aspect: Fraction
    matrix: int
    is_full_range: bool
    turns: tuple[tuple[str, str], ...]


class Conformer:
    """Makes the pictures of one clip those of the film; a clip may change its shape on the way.

    A clip that does not say how its colours are coded is taken to be like the film.
    """

    def __init__(self, size: PictureSize, pixel_aspect: Fraction | None, *, is_bt709: bool) -> None:
        self._size = size
        self._matrix = "bt709" if is_bt709 else "bt601"
        self._pixel_aspect = pixel_aspect or Fraction(1)
        self._shape: _Shape | None = None
        self._graph: Graph | None = None

    def conformed(self, frame: VideoFrame) -> VideoFrame:
        """The picture as the film shows it. Raises `BadRender`, av.FFmpegError."""
        shape = self._shape_of(frame)
        if shape != self._shape:
            self._shape, self._graph = shape, self._graph_for(shape, frame)
        if self._graph is None:
            return frame
        self._graph.push(frame)
        made = self._graph.pull()
        if not isinstance(made, VideoFrame):
            raise EndOfFile(0, "no picture")
        return made

    def _shape_of(self, frame: VideoFrame) -> _Shape:
        curve = _HDR.get(int(frame.color_trc or 0))
        if curve is not None:
            raise BadRender(f"its colours are HDR ({curve}), which this film cannot hold")
        return _Shape(
            frame.width,
            frame.height,
            frame.format.name,
            self._pixel_aspect,
            int(frame.colorspace),
            frame.format.name.startswith("yuvj") or int(frame.color_range) == _FULL_RANGE,
            tuple(turns(frame)),
        )

    def _graph_for(self, shape: _Shape, frame: VideoFrame) -> Graph | None:
        """None where there is nothing to do."""
        width_px, height_px = self._size.width_px, self._size.height_px
        plain = _Shape(width_px, height_px, FORMAT, Fraction(1), shape.matrix, False, ())
        matrix = _MATRICES.get(shape.matrix, self._matrix)
        if shape == plain and matrix == self._matrix:
            return None
        graph: Any = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 1000)
        )
        across, down = self._inner(shape)
        ranges = f"in_range={'full' if shape.is_full_range else 'limited'}:out_range=limited"
        matrices = f"in_color_matrix={matrix}:out_color_matrix={self._matrix}"
        filters = [
            *(graph.add(name, options) for name, options in shape.turns),
            graph.add("scale", f"{across}:{down}:flags=bicubic+accurate_rnd+full_chroma_int:{ranges}:{matrices}"),
            graph.add("format", FORMAT),
            graph.add("pad", f"{width_px}:{height_px}:{(width_px - across) // 4 * 2}:{(height_px - down) // 4 * 2}"),
            graph.add("setsar", "1"),
        ]
        graph.link_nodes(source, *filters, graph.add("buffersink")).configure()
        made: Graph = graph
        return made

    def _inner(self, shape: _Shape) -> tuple[int, int]:
        """The largest even sides within the film's picture that keep the clip's shape."""
        is_turned = any(name == "transpose" for name, _ in shape.turns)
        across: Fraction = shape.width_px * shape.pixel_aspect
        down = Fraction(shape.height_px)
        if is_turned:
            across, down = down, across
        scale = min(self._size.width_px / across, self._size.height_px / down)
        return _even(across * scale), _even(down * scale)


def _even(side: Fraction) -> int:
    return max(2, round(side / 2) * 2)
