"""SAH Plugin as the package that npm installs from the app itself."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "plugin"
# What npm packs besides what the manifest lists.
_ALWAYS = ("package.json", "README.md")
# The time that npm itself gives to every file, so that equal content is an equal package.
_MODIFIED_AT = 499162500


@dataclass(frozen=True, slots=True)
class PluginPackage:
    """The packed plugin: its version, its file's name, and the file."""

    version: str
    filename: str
    content: bytes


@cache
def pack_plugin() -> PluginPackage:
    """Pack the plugin as ``npm pack`` does, always to the same bytes.

    npm writes a digest of the package into the lock file of whoever installs it, so a
    version has to stay the same over restarts and machines.
    """
    manifest = json.loads((_FOLDER / "package.json").read_text(encoding="utf-8"))
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for file in sorted(_list_files(manifest["files"])):
            archive.addfile(_describe(file), io.BytesIO(file.read_bytes()))
    version = str(manifest["version"])
    return PluginPackage(version, f"{manifest['name']}-{version}.tgz", buffer.getvalue())


def _list_files(listed: list[str]) -> Iterator[Path]:
    for name in (*_ALWAYS, *listed):
        path = _FOLDER / name
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file())
        else:
            yield path


def _describe(file: Path) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"package/{file.relative_to(_FOLDER).as_posix()}")
    entry.size = file.stat().st_size
    entry.mtime = _MODIFIED_AT
    entry.mode = 0o644
    return entry
