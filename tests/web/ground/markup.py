"""Pages as trees, with what the standard library has: enough to ask which label belongs to which field."""

from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, TreeBuilder

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tree = TreeBuilder()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tree.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.tree.end(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tree.start(tag, {name: value or "" for name, value in attrs})
        self.tree.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.tree.end(tag)

    def handle_data(self, data: str) -> None:
        self.tree.data(data)


def parse(text: str) -> Element:
    """Return the root element of a page; unbalanced tags raise AssertionError."""
    builder = _Builder()
    builder.feed(text.split("\n", 1)[1] if text.startswith("<!DOCTYPE") else text)
    return builder.tree.close()


def by_id(root: Element, wanted: str) -> Element:
    """Return the one element with this id."""
    found = root.findall(f".//*[@id='{wanted}']")
    assert len(found) == 1, wanted
    return found[0]


def text_of(element: Element) -> str:
    """Return the whole text inside."""
    return "".join(element.itertext())


def controls(root: Element) -> Iterator[Element]:
    """Yield every control of the main part that a person sees."""
    for element in root.find(".//main").iter():  # type: ignore[union-attr]
        if element.tag in ("select", "textarea") or (element.tag == "input" and element.get("type") != "hidden"):
            yield element
