"""What all commands share: the app that they work on, and how they fail."""
# ruff: noqa: PLC0415 - Flask and the services are imported when a command runs, so that
# --help and usage errors take a tenth of a second

import functools
import getpass
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sah.domain.errors import SahError

if TYPE_CHECKING:
    from flask import Flask

# Makes the app of an instance; tests hand another one in as click's ``obj``.
AppMaker = Callable[[Path | None], "Flask"]

FAILED = 1
MISUSED = 2


class Failure(click.ClickException):
    """The command ran and what it was asked for did not work; exit status 1."""

    exit_code = FAILED


class SahGroup(click.Group):
    """A group whose errors are one sentence on standard error, never a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own signature
        """Run like click, but put every error into one sentence."""
        kwargs |= {"standalone_mode": False, "prog_name": "sah"}
        try:
            result = super().main(*args, **kwargs)
        except BrokenPipeError:
            _leave_broken_pipe()
        except click.exceptions.NoArgsIsHelpError as error:
            _leave(error.format_message(), MISUSED)
        except click.UsageError as error:
            _leave(_usage_sentence(error), MISUSED)
        except click.ClickException as error:
            _leave(error.format_message(), error.exit_code)
        except click.Abort:
            _leave("Stopped.", FAILED)
        except SahError as error:
            _leave(str(error), FAILED)
        except Exception as error:  # noqa: BLE001 - a traceback never reaches a person
            _leave(_unexpected(error), FAILED)
        # click returns the status of ctx.exit() here, and otherwise what the command returned
        sys.exit(result if isinstance(result, int) else 0)


def reason_of(error: OSError) -> str:
    """Say why the system refused, without what Python adds to it."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror or error)


def who() -> str:
    """Say who runs the command, for the history; a user of a container may have no name."""
    try:
        name = getpass.getuser()
    except (ImportError, KeyError, OSError):
        name = f"user {os.getuid()}"
    return f"{name} (command line)"


def make_app(instance: Path | None) -> "Flask":
    """Make the app of an instance; a command says what went wrong, its log only if asked for."""
    from sah import create_app
    from sah.config import load_settings

    settings = load_settings(instance)
    if "SAH_LOG_LEVEL" not in os.environ:
        settings = replace(settings, log_level="critical")
    return create_app(settings)


instance_option = click.option(
    "--instance",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder with SAH's database and keys (default: SAH_INSTANCE, else ./instance).",
)

output_option = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print.",
)


def in_app(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--instance``, and run it within that instance's app."""

    @functools.wraps(command)
    def wrapped(instance: Path | None, **options: Any) -> None:  # noqa: ANN401 - click's values
        make: AppMaker = click.get_current_context().obj or make_app
        with make(instance).app_context():
            command(**options)

    return instance_option(wrapped)


def _usage_sentence(error: click.UsageError) -> str:
    sentence = " ".join(error.format_message().split())
    sentence = sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."
    path = error.ctx.command_path if error.ctx else "sah"
    return f"{sentence} See “{path} --help”."


def _unexpected(error: Exception) -> str:
    if os.environ.get("SAH_LOG_LEVEL") == "debug":
        from sah.logs import clean_text

        click.echo(clean_text("".join(traceback.format_exception(error))), err=True)
    said = str(error).strip().splitlines()
    what = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
    return f"Something unexpected went wrong ({what}); run it with SAH_LOG_LEVEL=debug to see more."


def _leave(sentence: str, status: int) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(status)


def _leave_broken_pipe() -> NoReturn:
    # Whoever read our output has gone: say nothing more, not even at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(FAILED)
