"""The plugin as the app hands it out, and the page that says how to install it."""

import io
import json
import tarfile
from pathlib import Path

import pytest

import sah
from sah.services.plugin import pack_plugin
from tests.factories import make_account, make_project, make_shop
from tests.fakes import FakeAws
from tests.web.client import StrictClient

FOLDER = Path(sah.__file__).parent / "plugin"
VERSION = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["version"]


@pytest.fixture
def shop(context: object, aws: FakeAws) -> int:
    del context
    return make_shop(aws).id


def test_npm_gets_the_package_without_a_log_in(anonymous: StrictClient) -> None:
    answer = anonymous.http.get(f"/plugin/sah-plugin-{VERSION}.tgz")
    assert (answer.status_code, answer.mimetype) == (200, "application/gzip")
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as package:
        packed = {entry.name: package.extractfile(entry) for entry in package.getmembers()}
        assert {"package/package.json", "package/index.js", "package/README.md"} <= set(packed)
        for name, file in packed.items():
            assert file is not None
            assert file.read() == (FOLDER / name.removeprefix("package/")).read_bytes()
        modules = {f"package/lib/{one.name}" for one in (FOLDER / "lib").glob("*.js")}
        assert modules <= set(packed)


def test_a_version_is_always_the_same_bytes() -> None:
    first = pack_plugin()
    pack_plugin.cache_clear()
    assert pack_plugin() == first


def test_another_version_is_not_found_and_says_which_there_is(anonymous: StrictClient) -> None:
    answer = anonymous.http.get("/plugin/sah-plugin-0.0.1.tgz")
    assert answer.status_code == 404
    assert f"sah-plugin-{VERSION}.tgz" in answer.text


def test_the_page_is_ready_to_copy(shop: int, viewer: StrictClient) -> None:
    page = viewer.get(f"/projects/{shop}/plugin")
    commands = [node.get("data-copy") for node in page.root.walk() if node.get("data-copy")]
    assert f"npm install -D http://localhost/plugin/sah-plugin-{VERSION}.tgz" in commands
    assert "sah tokens create shop-deploys --scope deploy --project shop" in commands
    yaml = next(text for text in commands if text.startswith("plugins:"))
    assert yaml.endswith(f"    sahUrl: http://localhost/api/projects/{shop}/deployments")
    assert "activeAliasName" not in yaml


def test_the_page_names_an_alias_of_ones_own(
    context: object, aws: FakeAws, viewer: StrictClient
) -> None:
    del context
    aws.add_stack("shop", {"shop-cart": 1}, alias="LIVE")
    project = make_project(make_account(), "shop", alias="LIVE").id
    assert (
        "  sah:\n    activeAliasName: LIVE\n"
        in viewer.get(f"/projects/{project}/plugin").response.text
    )
