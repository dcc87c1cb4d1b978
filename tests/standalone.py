"""Reading a page as a browser does: closed tags, and nothing that it would ask anybody for."""

from html.parser import HTMLParser

VOID = {"meta", "img", "input", "br", "link", "wbr"}


class Page(HTMLParser):
    """Raises AssertionError for a page that needs more than itself, or whose pictures have no words.

    images: attributes of every picture. texts: of the page.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.images: list[dict[str, str | None]] = []
        self._open: list[str] = []
        self._policy = ""
        self.feed(text)
        assert self._open == []
        assert "default-src 'none'; img-src data:" in self._policy

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if values.get("http-equiv") == "Content-Security-Policy":
            self._policy = str(values["content"])
        if tag == "img":
            assert values["alt"]
            self.images.append(values)
        for name in {"src", "href"} & values.keys() if tag != "a" else ():
            assert str(values[name]).startswith("data:image/"), values

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of SVG; nothing to close."""

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
