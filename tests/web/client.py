"""A browser without script: it fetches pages, holds each to the rules, and sends their forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.web import rules
from tests.web.markup import Node, parse

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

_REDIRECTS = (302, 303)


@dataclass(frozen=True)
class Form:
    """A form as the page gave it; ``fields`` holds what a browser would send."""

    action: str
    method: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Page:
    """One answer; ``root`` is empty for what is not HTML."""

    response: TestResponse
    path: str
    root: Node = field(default_factory=lambda: Node("document"))

    @property
    def text(self) -> str:
        bodies = self.root.find_all("body")
        return (bodies[0] if bodies else self.root).text

    @property
    def heading(self) -> str:
        return self.root.find("h1").text

    @property
    def location(self) -> str:
        return self.response.headers["Location"]

    @property
    def notes(self) -> list[str]:
        """The boxes with messages, flashed ones included."""
        return [n.text for n in self.root.walk() if n.get("class").startswith("note ")]

    @property
    def errors(self) -> list[str]:
        """The messages at fields."""
        return [n.text for n in self.root.walk() if n.get("class") == "field-error"]

    def rows(self) -> dict[str, str]:
        """The rows of all tables, by the text of the first cell."""
        rows = [row.find_all("td") for row in self.root.find_all("tr")]
        return {cells[0].text: " | ".join(c.text for c in cells[1:]) for cells in rows if cells}

    def link(self, words: str) -> str:
        """Where the only link with these words leads."""
        targets = {n.get("href") for n in self.root.find_all("a") if n.text == words}
        assert len(targets) == 1, f"{len(targets)} links “{words}”"
        return targets.pop()

    def has_link(self, words: str) -> bool:
        return any(node.text == words for node in self.root.find_all("a"))

    def form(self, button: str) -> Form:
        """The form with the button that has these words."""
        found = [
            form
            for form in self.root.find_all("form")
            if any(node.text == button for node in form.find_all("button"))
        ]
        assert len(found) == 1, f"{len(found)} forms with “{button}”"
        form = found[0]
        return Form(form.get("action") or self.path, form.get("method") or "get", _fields(form))


class StrictClient:
    """Fetches pages; each call says which status it expects."""

    def __init__(self, app: Flask) -> None:
        self.http = app.test_client()

    def enter(self, uniquifier: str) -> None:
        """Log in without the form, which has tests of its own."""
        with self.http.session_transaction() as session:
            session.update(_user_id=uniquifier, _fresh=True)

    def get(self, path: str, status: int = 200) -> Page:
        """Fetch a page and hold it to the rules."""
        return self._check(self.http.get(path), path, status)

    def post(self, path: str, fields: dict[str, str] | None = None, status: int = 303) -> Page:
        """Send fields as they are; ``submit`` is what a person does."""
        return self._check(self.http.post(path, data=fields or {}), path, status)

    def submit(self, form: Form, changes: dict[str, str] | None = None, status: int = 303) -> Page:
        """Fill in and send a form."""
        assert form.method == "post"
        return self.post(form.action, form.fields | (changes or {}), status)

    def follow(self, page: Page, status: int = 200) -> Page:
        """Go where an answer redirects to."""
        return self.get(page.location, status)

    def _check(self, response: TestResponse, path: str, status: int) -> Page:
        assert response.status_code == status, f"{path}: {response.status_code}, not {status}"
        rules.check_headers(response)
        if response.status_code in _REDIRECTS or response.mimetype != "text/html":
            return Page(response, path)
        root = parse(response.text)
        check = rules.check_page if root.find_all("html") else rules.check_fragment
        check(root)
        return Page(response, path, root)


def _fields(form: Node) -> dict[str, str]:
    fields: dict[str, str] = {}
    for node in form.find_all("input", "select", "textarea"):
        value = _value(node)
        if node.get("name") and value is not None:
            fields[node.get("name")] = value
    return fields


def _value(node: Node) -> str | None:
    if node.tag == "textarea":
        return "".join(c for c in node.children if isinstance(c, str)).removeprefix("\r\n")
    if node.tag == "select":
        options = node.find_all("option")
        chosen = [option for option in options if option.has("selected")] or options[:1]
        return chosen[0].get("value") if chosen else None
    if node.get("type") in ("radio", "checkbox") and not node.has("checked"):
        return None
    return node.get("value")
