"""What `npm pack` puts into the package."""

import json
import shutil
import subprocess

import pytest

from tests.plugin.conftest import PLUGIN, environment, missing


@pytest.fixture(scope="module")
def npm() -> str:
    found = shutil.which("npm")
    if found is None:
        missing("npm")
    return str(found)


def test_the_package_holds_the_plugin_and_nothing_else(npm: str) -> None:
    done = subprocess.run(
        [npm, "pack", "--dry-run", "--json"],
        cwd=PLUGIN,
        env=environment(npm_config_update_notifier="false"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    [package] = json.loads(done.stdout)
    modules = {f"lib/{each.name}" for each in (PLUGIN / "lib").glob("*.js")}
    assert {each["path"] for each in package["files"]} == {
        "README.md",
        "index.js",
        "package.json",
        *modules,
    }
    assert package["name"] == "sah-plugin"


def test_the_plugin_needs_nothing_but_node() -> None:
    manifest = json.loads((PLUGIN / "package.json").read_text(encoding="utf-8"))
    assert not manifest.keys() & {"dependencies", "peerDependencies", "optionalDependencies"}
    assert manifest.get("type", "commonjs") == "commonjs"
    assert manifest["engines"]["node"] == ">=18"
