"""How much longer a service takes to package with the plugin: `python -m tests.bench.plugin`.

The same service is packaged by the framework's own command line without the plugin and with it,
in turns, so that what the machine does beside it falls on both. What counts is the median of
the ratios of the pairs.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.plugin.conftest import FRAMEWORKS, environment, install_plugin

EVENTS: list[dict[str, Any]] = [
    {"http": "GET /{name}"},
    {"httpApi": "GET /{name}"},
    {"sqs": "arn:aws:sqs:us-east-1:111122223333:{name}"},
    {"sns": "{name}"},
    {"schedule": "rate(1 hour)"},
    {"eventBridge": {"pattern": {"source": ["{name}"]}}},
]


def main() -> None:
    """Measure, and print each pair and the median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", default="osls", help="osls, osls-3 or serverless-3")
    parser.add_argument("--functions", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), chosen.framework, chosen.functions, chosen.pairs)


def compare(folder: Path, framework: str, functions: int, pairs: int) -> None:
    install_plugin(folder)
    without, with_plugin = (write(folder / name, functions, name == "with") for name in WAYS)
    for service in (without, with_plugin):  # what is only read once is read now
        package(service, framework)
    ratios = []
    for pair in range(1, pairs + 1):
        a, b = package(without, framework), package(with_plugin, framework)
        ratios.append(b / a)
        show(f"pair {pair}: without {a:.3f} s, with {b:.3f} s, ratio {b / a:.3f}")
    show(f"{framework}, {functions} functions, median ratio {statistics.median(ratios):.3f}")


WAYS = ("without", "with")


def write(folder: Path, functions: int, with_plugin: bool) -> Path:
    """Write a service with every common event, several times over."""
    folder.mkdir()
    (folder / "handler.js").write_text("exports.hello = async () => 'hello';\n", encoding="utf-8")
    service = {
        "service": "bench",
        "provider": {"name": "aws", "runtime": "nodejs20.x"},
        "functions": {f"f{index}": function(index) for index in range(functions)},
        **({"plugins": ["sah-plugin"]} if with_plugin else {}),
    }
    (folder / "serverless.yml").write_text(json.dumps(service), encoding="utf-8")
    return folder


def function(index: int) -> dict[str, Any]:
    event = json.dumps(EVENTS[index % len(EVENTS)]).replace("{name}", f"f{index}")
    return {"handler": "handler.hello", "events": [json.loads(event)]}


def package(service: Path, framework: str) -> float:
    """Package once; give the seconds."""
    shutil.rmtree(service / ".serverless", ignore_errors=True)
    begun = time.perf_counter()
    subprocess.run(
        ["node", str(FRAMEWORKS / framework / "bin" / "serverless.js"), "package"],
        cwd=service,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=True,
    )
    return time.perf_counter() - begun


def show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- what this script is for


if __name__ == "__main__":
    main()
