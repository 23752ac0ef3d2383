"""What a clip's file can be: the one format the service delivers, and those that only a fault makes it deliver."""

from enum import StrEnum


class Format(StrEnum):
    """`noise` is no video at all."""

    H264 = "h264"
    HEVC = "hevc"
    MPEG4 = "mpeg4"
    WEBM = "webm"
    NOISE = "noise"
