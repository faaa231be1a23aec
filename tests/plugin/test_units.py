"""The plugin's own unit tests, which Node runs."""

import subprocess

from tests.plugin.conftest import environment
from tests.plugin.kinds import FOLDER


def test_the_units_of_the_plugin_pass(node: str) -> None:
    files = sorted(str(each) for each in (FOLDER / "unit").glob("*.test.js"))
    assert files != []
    done = subprocess.run(
        [node, "--test", *files],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
