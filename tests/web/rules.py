"""What every page has to hold to, whichever test fetches it."""

from collections import Counter

from werkzeug.test import TestResponse

from tests.web.markup import Node

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_FIELDS = ("input", "select", "textarea")


def check_headers(response: TestResponse) -> None:
    """Hold an answer to the security headers."""
    headers = response.headers
    names = [name.lower() for name, _ in headers if name.lower() != "set-cookie"]
    assert len(names) == len(set(names)), names
    assert headers["Content-Security-Policy"] == CSP
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Permissions-Policy" in headers
    assert len(headers["X-Request-ID"]) == 16
    assert headers["Cache-Control"] == "no-store"


def check_page(root: Node) -> None:
    """Hold a whole page to its rules."""
    html = root.find("html")
    assert html.get("lang") == "en"
    heading = root.find("h1").text
    assert heading
    assert root.find("title").text.startswith(heading)
    assert len(root.find_all("main")) == 1
    check_fragment(root)
    ids = {node.get("id") for node in root.walk()}
    for link in root.find_all("a"):
        if link.get("href").startswith("#"):
            assert link.get("href")[1:] in ids


def check_fragment(root: Node) -> None:
    """Hold a page or a part of one to the rules for its elements."""
    _check_ids(root)
    for node in root.walk():
        _check_no_inline(node)
        _check_named(node, root)
        if node.tag == "form" and node.get("method").lower() == "post":
            assert any(f.get("value") for f in node.find_all("input", name="csrf_token")), "no CSRF"
        if node.tag == "table":
            assert all(th.has("scope") for th in node.find_all("th"))
        if "status" in node.get("class").split():
            assert node.find_all("svg"), f"the status {node.text} has no icon"
            assert node.text, "a status has no word"
    assert "{{" not in root.text
    assert "Undefined" not in root.text


def _check_ids(root: Node) -> None:
    ids = Counter(node.get("id") for node in root.walk() if node.has("id"))
    assert [name for name, count in ids.items() if count > 1] == [], "an id is there twice"
    for node in root.walk():
        for name in ("aria-describedby", "aria-labelledby"):
            assert all(target in ids for target in node.get(name).split()), node.attributes


def _check_no_inline(node: Node) -> None:
    assert node.tag != "style", "an inline style sheet"
    if node.tag == "script":
        assert node.get("src").startswith("/"), "an inline or foreign script"
    for name, value in node.attributes.items():
        assert not name.startswith("on"), f"an inline handler {name}"
        assert name != "style", "an inline style"
        if name in ("href", "src", "action") and not _is_careful_link(node):
            assert value.startswith(("/", "#", "?")), f"{value} leads elsewhere"


def _is_careful_link(node: Node) -> bool:
    """Say whether it is a link to another site that is told nothing of this one."""
    careful = {"noreferrer", "noopener"} <= set(node.get("rel").split())
    return node.tag == "a" and careful and node.get("href").startswith(("https://", "http://"))


def _check_named(node: Node, root: Node) -> None:
    if node.tag in _FIELDS and node.get("type") not in ("hidden", "submit"):
        assert _is_labelled(node, root), f"{node.tag} {node.get('name')} has no label"
    if node.tag in ("a", "button"):
        assert node.text or node.get("aria-label"), f"a {node.tag} has no words"
    if node.tag == "img":
        assert node.has("alt")
    if node.tag == "time":
        assert node.get("datetime").endswith("+00:00")
        assert node.get("title").endswith("UTC")


def _is_labelled(node: Node, root: Node) -> bool:
    if node.get("aria-label") or node.get("aria-labelledby"):
        return True
    if any(above.tag == "label" for above in node.ancestors()):
        return True
    return any(label.text for label in root.find_all("label", for_=node.get("id")))
