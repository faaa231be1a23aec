"""A small tree of HTML, enough to hold pages to their rules and to fill in their forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VOID = {"br", "hr", "img", "input", "link", "meta", "rect", "use", "source", "path", "wbr"}


@dataclass(eq=False)
class Node:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)
    parent: Node | None = None

    def walk(self) -> Iterator[Node]:
        """Give this node and all below it, in the order of the text."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def find_all(self, *tags: str, **attributes: str) -> list[Node]:
        """Find the nodes below with one of the tags and all of the attributes."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            node
            for node in self.walk()
            if (not tags or node.tag in tags)
            and all(node.attributes.get(key) == value for key, value in wanted.items())
        ]

    def find(self, *tags: str, **attributes: str) -> Node:
        """Find the only such node."""
        found = self.find_all(*tags, **attributes)
        assert len(found) == 1, f"{len(found)} of {tags} {attributes}"
        return found[0]

    def has(self, name: str) -> bool:
        return name in self.attributes

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")

    @property
    def text(self) -> str:
        """All text below, with single blanks."""
        return " ".join(self._raw_text().split())

    def _raw_text(self) -> str:
        text = "".join(c if isinstance(c, str) else c._raw_text() for c in self.children)
        return text if self.tag in _INLINE else f" {text} "

    def ancestors(self) -> Iterator[Node]:
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


_INLINE = {"a", "b", "span", "strong", "code", "em", "time", "svg", "wbr"}


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.at = Node("document")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {key: value or "" for key, value in attrs}, parent=self.at)
        assert len(attrs) == len(node.attributes), f"an attribute of <{tag}> is there twice"
        self.at.children.append(node)
        if tag not in VOID:
            self.at = node

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def parse(text: str) -> Node:
    """Read HTML whose elements are all closed properly."""
    builder = _Builder()
    builder.feed(text)
    builder.close()
    assert builder.at is builder.root, f"<{builder.at.tag}> is never closed"
    return builder.root
