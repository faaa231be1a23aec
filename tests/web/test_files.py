"""The files of the pages: templates stay small, and everything comes from SAH itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sah

ROOT = Path(sah.__file__).parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = ROOT / "static"


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def used_icons() -> Iterator[str]:
    for template in TEMPLATES:
        text = template.read_text()
        yield from re.findall(r"icon\([\"']([a-z0-9-]+)[\"']", text)
        yield from re.findall(r"empty\([\"']([a-z0-9-]+)[\"']", text)
    status = (ROOT / "templates/components/status.html").read_text()
    yield from re.findall(r"\([\"'](?:ok|warn|bad|busy|idle)[\"'], [\"']([a-z0-9-]+)[\"']", status)


def test_every_icon_is_in_the_sprite() -> None:
    sprite = (STATIC / "icons.svg").read_text()
    missing = {icon for icon in used_icons() if f'id="{icon}"' not in sprite}
    assert missing == set()


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_templates_are_short_and_declare_what_they_are(template: Path) -> None:
    text = template.read_text()
    assert len(text.splitlines()) < 100 or "components" in template.parts
    is_page = template.parent.name not in ("layouts", "components") and template.name[0] != "_"
    assert text.startswith("{% extends") == (is_page or template.name in ("app.html", "plain.html"))
    assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize(
    "file", [f for f in sorted(STATIC.rglob("*")) if f.suffix in (".css", ".js")], ids=name
)
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    text = file.read_text()
    assert (
        re.findall(r"(?:https?:)?//[a-z0-9.]+/", text.replace("http://www.w3.org/2000/svg", ""))
        == []
    )
    assert "eval(" not in text
