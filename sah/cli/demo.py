"""``sah demo``, ``sah demo-deploy`` and ``sah local-aws``: try SAH without an AWS account."""
# ruff: noqa: PLC0415 - see sah.cli.base

from importlib.util import find_spec
from pathlib import Path

import click

from sah.cli.base import Failure, reason_of

_DEMO_FOLDER = Path("instance/demo")
_PORT = click.IntRange(0, 65535)

_demo_instance = click.option(
    "--instance",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    default=_DEMO_FOLDER,
    show_default=True,
    help="The demo's folder; its database is made anew at every start.",
)


@click.command()
@click.option("--port", type=_PORT, default=8000, show_default=True, help="Where SAH serves.")
@click.option(
    "--aws-port", type=_PORT, default=4566, show_default=True, help="Where the embedded AWS serves."
)
@_demo_instance
def demo(port: int, aws_port: int, instance: Path) -> None:
    """Bring up the whole product on an embedded AWS."""
    _require_moto()
    from sah.demo.show import run_demo

    run_demo(instance.absolute(), port=port, aws_port=aws_port)


@click.command("demo-deploy")
@click.option("--bad", is_flag=True, help="Deploy a version whose checkout fails.")
@_demo_instance
def demo_deploy(*, bad: bool, instance: Path) -> None:
    """Publish one more deployment into the running demo."""
    from sah.demo.show import deploy_once_more

    for line in deploy_once_more(instance.absolute(), bad=bad):
        click.echo(line)


@click.command("local-aws")
@click.option("--port", type=_PORT, required=True, help="The port to listen on, 0 for a free one.")
@click.option(
    "--latency-ms",
    type=click.FloatRange(0, 60_000),
    default=0,
    show_default=True,
    help="How long every call takes at least.",
)
@click.option("--rate-limits", is_flag=True, help="Answer 429 beyond AWS's own rates.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
def local_aws(*, port: int, latency_ms: float, rate_limits: bool, host: str) -> None:
    """Run the embedded AWS alone, until Ctrl-C."""
    _require_moto()
    from sah.localaws import serve

    try:
        serve(port, latency_ms, rate_limits, host)
    except OSError as error:
        raise Failure(
            f"The embedded AWS cannot listen on {host}:{port}: {reason_of(error)}. "
            "Choose another port with --port."
        ) from error


def _require_moto() -> None:
    if find_spec("moto") is None:
        raise Failure(
            "The embedded AWS is not installed; add it with: "
            "pip install 'serverless-alias-helper[demo]'"
        )
