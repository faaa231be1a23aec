"""The command line, ``sah …``: so that everything can be scripted. It calls services only."""

import click

from sah import __version__
from sah.cli.accounts import accounts, stacks
from sah.cli.base import SahGroup
from sah.cli.demo import demo, demo_deploy, local_aws
from sah.cli.projects import projects, sync
from sah.cli.run import run
from sah.cli.users import users

__all__ = ["main"]

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=SahGroup, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="sah")
def main() -> None:
    """SAH rolls a whole serverless stack back by repointing its Lambda aliases."""


for _command in (run, users, accounts, stacks, projects, sync, demo, demo_deploy, local_aws):
    main.add_command(_command)
