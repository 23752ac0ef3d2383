"""How a picture of a video is displayed: phones store it as the sensor sees it, and say how a player is to turn it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from av.filter import Graph
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame

_MATRIX: Final = struct.Struct("=9i")


def displayed(frame: VideoFrame) -> VideoFrame:
    """The decoded picture as players show it, sides included; the very same one where there is nothing to turn."""
    wanted = tuple(turns(frame))
    if not wanted:
        return frame
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    filters = [graph.add(name, options) for name, options in wanted]
    graph.link_nodes(source, *filters, graph.add("buffersink")).configure()
    graph.push(frame)
    turned = graph.pull()
    assert isinstance(turned, VideoFrame)
    return turned


def turns(frame: VideoFrame) -> Iterator[tuple[str, str]]:
    """FFmpeg's filters with their options, in order; a turn by something else than quarters counts as the nearest one.

    A point (x, y) is displayed at (a x + c y, b x + d y). Source: ISO/IEC 14496-12, 6.2.2.
    """
    # Not by `frame.side_data`: the frame would hold what holds the frame, and its megabytes be free long after.
    container: Any = SideDataContainer  # whose stub has neither argument nor bytes
    data = container(frame).get("DISPLAYMATRIX")
    matrix = b"" if data is None else bytes(data)
    if len(matrix) != _MATRIX.size:
        return
    a, b, _, c, d, *_ = _MATRIX.unpack(matrix)
    to_the_left, upwards = a < 0, d < 0
    if abs(b) + abs(c) > abs(a) + abs(d):  # rows become columns
        yield "transpose", "cclock_flip"
        to_the_left, upwards = c < 0, b < 0
    if to_the_left:
        yield "hflip", ""
    if upwards:
        yield "vflip", ""
