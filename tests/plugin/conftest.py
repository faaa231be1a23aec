"""Where the frameworks and Node are, and the services, packaged once for all tests."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.kinds import FOLDER, Kind, read_kinds

PLUGIN = FOLDER.parent.parent / "sah" / "plugin"
FRAMEWORKS = FOLDER / "node_modules"
OFFLINE = {
    "SLS_TRACKING_DISABLED": "1",
    "SLS_NOTIFICATIONS_MODE": "off",
    "SLS_INTERACTIVE_SETUP_ENABLE": "0",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Packaged:
    """What came of packaging one service."""

    template: dict[str, Any]
    warnings: list[str]
    error: str = ""


Packager = Callable[[str, bool], Mapping[str, Packaged]]


def missing(what: str) -> None:
    """Skip a test for a tool that is not there, which continuous integration does not accept."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing; `make plugin-install` brings it")
    pytest.skip(f"{what} is missing; `make plugin-install` brings it")


@pytest.fixture(scope="session")
def node() -> str:
    """Find the Node that the Makefile chose, or the system's."""
    found = shutil.which(os.environ.get("NODE", "node"))
    if found is None:
        missing("Node")
    return str(found)


@pytest.fixture(scope="session")
def frameworks() -> Path:
    if not (FRAMEWORKS / "osls").is_dir():
        missing("The Serverless Framework")
    return FRAMEWORKS


def environment(**more: str) -> dict[str, str]:
    """Give a framework an environment with no credentials in it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **OFFLINE, **more}


@pytest.fixture(scope="session")
def packages(node: str, frameworks: Path, tmp_path_factory: pytest.TempPathFactory) -> Packager:
    """Package every kind with a framework, with the plugin or without, at the first demand."""
    assert frameworks.is_dir()
    kept: dict[tuple[str, bool], Mapping[str, Packaged]] = {}

    def get(framework: str, with_plugin: bool) -> Mapping[str, Packaged]:
        if (framework, with_plugin) not in kept:
            folder = tmp_path_factory.mktemp(framework)
            install_plugin(folder)
            kept[framework, with_plugin] = package_all(
                node, framework, folder, with_plugin=with_plugin
            )
        return kept[framework, with_plugin]

    return get


def install_plugin(folder: Path) -> None:
    """Put the plugin, and one that acts later, where `npm install` would put them."""
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "sah-plugin").symlink_to(PLUGIN)
    (folder / "node_modules" / "late-plugin").symlink_to(FOLDER / "packaging" / "late-plugin")


def package_all(
    node: str, framework: str, folder: Path, *, with_plugin: bool
) -> Mapping[str, Packaged]:
    kinds = [kind for kind in read_kinds() if kind.runs_on(framework)]
    services = [service_of(kind, folder, with_plugin=with_plugin) for kind in kinds]
    done = subprocess.run(
        [node, str(FOLDER / "packaging" / "run.js")],
        input=json.dumps({"framework": framework, "services": services}),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    errors = {line["name"]: line.get("error", "") for line in lines}
    refused = {kind.name for kind in kinds if with_plugin and kind.expect(framework) == "refused"}
    assert {name: error for name, error in errors.items() if error and name not in refused} == {}
    assert len(lines) == len(kinds), done.stderr
    return {
        line["name"]: Packaged(line.get("template", {}), line["warnings"], errors[line["name"]])
        for line in lines
    }


def service_of(kind: Kind, folder: Path, *, with_plugin: bool) -> dict[str, Any]:
    return {
        "name": kind.name,
        "folder": str(folder / kind.name),
        "configuration": kind.configuration(with_plugin=with_plugin),
    }
