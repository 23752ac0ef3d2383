"""The parts of a multipart/form-data body, in the order they were sent: the upload rules depend on that order."""

from dataclasses import dataclass
from email.message import Message


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    file_name: str | None
    data: bytes


def parse(content_type: str, body: bytes) -> tuple[Part, ...]:
    """Raises ValueError for a body that is not multipart/form-data."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise ValueError("the body is not multipart/form-data")
    delimiter = b"\r\n--" + boundary.encode("latin-1")
    _, *sections = (b"\r\n" + body).split(delimiter)
    if not sections or not sections[-1].startswith(b"--"):
        raise ValueError("the multipart body has no end")
    return tuple(_part(section) for section in sections[:-1])


def _part(section: bytes) -> Part:
    head, separator, data = section.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("a part has no header")
    header = Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name:
            header[name.strip()] = value.strip()
    field = header.get_param("name", header="content-disposition")
    if not isinstance(field, str):
        raise ValueError("a part has no name")
    return Part(field, header.get_filename(), data)
