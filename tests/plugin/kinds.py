"""The table of kinds, and the services that it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
NEWEST = "osls"
OLDER = ("osls-3", "serverless-3")


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which something refers to a function."""

    name: str
    row: Mapping[str, Any]

    def expect(self, framework: str) -> str:
        """Say how it comes out: on the ``alias``, ``left``, ``alone``, or ``refused``."""
        return str(self._of(framework, "expect") or "alias")

    def says(self, framework: str) -> str | None:
        """Give words that a warning has to contain."""
        said = self._of(framework, "says")
        return None if said is None else str(said)

    def runs_on(self, framework: str) -> bool:
        if framework == NEWEST:
            return self.row.get("only") != "old"
        return bool(self.row.get("sample"))

    def alias(self) -> str:
        return str(self._settings().get("activeAliasName", "ACTIVE"))

    def _settings(self) -> Mapping[str, Any]:
        given = (self.row.get("custom") or {}).get("sah")
        return given if isinstance(given, dict) else {}

    def configuration(self, *, with_plugin: bool) -> dict[str, Any]:
        """Write the serverless.yml of this kind."""
        row = self.row
        hello = {
            "handler": "handler.hello",
            "events": row.get("events", []),
            **row.get("hello", {}),
        }
        functions = {"hello": hello, **row.get("more", {})}
        known = {
            name: {key: value for key, value in each.items() if value is not None}
            for name, each in functions.items()
        }
        whole: dict[str, Any] = {
            "service": "kinds",
            "provider": {"name": "aws", "runtime": "nodejs20.x", **row.get("provider", {})},
            "functions": [{name: each} for name, each in known.items()]
            if row.get("listed")
            else known,
        }
        whole |= {key: row[key] for key in ("resources", "package") if key in row}
        if with_plugin:
            whole["plugins"] = ["sah-plugin", *row.get("plugins", [])]
            whole["custom"] = row.get("custom", {})
            if whole["custom"] is None:
                del whole["custom"]
        return whole

    def _of(self, framework: str, key: str) -> Any:  # noqa: ANN401 -- any value of the table
        old = self.row.get("old", {}) if framework != NEWEST else {}
        return old.get(key, self.row.get(key))


def read_kinds() -> list[Kind]:
    table = yaml.safe_load((FOLDER / "kinds.yml").read_text(encoding="utf-8"))
    return [Kind(name, row) for name, row in table.items()]
