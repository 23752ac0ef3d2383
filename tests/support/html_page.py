"""An HTML page as a browser would take it apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_ADDRESSES = ("href", "src", "poster")


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())


class Page(HTMLParser):
    """All elements in their order; each has the text that follows its opening tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.elements:
            self.elements[-1].text.append(data)

    def all(self, name: str) -> Iterator[Element]:
        return (element for element in self.elements if element.name == name)

    @property
    def text(self) -> str:
        """What is to be read, on one line."""
        pieces = (piece for element in self.elements if element.name != "style" for piece in (*element.text, " "))
        return " ".join("".join(pieces).split())

    @property
    def addresses(self) -> list[str]:
        return [
            element.attributes[name] for element in self.elements for name in _ADDRESSES if name in element.attributes
        ]
