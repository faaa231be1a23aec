"""The command line, ``sah …``: so that everything can be scripted. It calls services only."""

import click

from sah import __version__
from sah.cli import accounts, demo, deployments, operations, projects, run, tokens, users
from sah.cli.base import SahGroup

__all__ = ["main"]

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=SahGroup, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="sah")
def main() -> None:
    """SAH rolls a whole serverless stack back by repointing its Lambda aliases."""


main.add_command(run.run)
main.add_command(users.users)
main.add_command(tokens.tokens)
main.add_command(accounts.accounts)
main.add_command(accounts.stacks)
main.add_command(projects.projects)
main.add_command(projects.sync)
main.add_command(deployments.deployments)
main.add_command(deployments.rollback)
main.add_command(operations.switch)
main.add_command(operations.operations)
main.add_command(operations.break_glass)
main.add_command(demo.demo)
main.add_command(demo.demo_deploy)
main.add_command(demo.local_aws)
