"""`lancang`: issue, anchor and manage evidence. Each command is a module of `registry.commands`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import click

from registry import commands
from registry.console import Application, ReportingGroup


class CommandFolder(ReportingGroup):
    """A group that finds its commands in `registry.commands` and imports only the one asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of every command."""
        del ctx
        return sorted(module.name.replace("_", "-") for module in iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command and return its `command`, None for an unknown name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"registry.commands.{cmd_name.replace('-', '_')}")
        found = module.command
        if not isinstance(found, click.Command):
            raise TypeError(f"{module.__name__}.command is not a click command")
        return found


@click.group(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--no-color", is_flag=True, help="Plain output; NO_COLOR=1 does the same.")
@click.version_option(package_name="lancang")
@click.pass_context
def main(ctx: click.Context, *, no_color: bool) -> None:
    """Issue, anchor and manage electronic test certificates and inspection records.

    Settings come from LANCANG_* environment variables. Exit status: 0 done, 1 refused or failed
    (the reason and its stable code are printed), 2 wrong usage.
    """
    ctx.obj = Application(no_color=no_color)
    ctx.call_on_close(ctx.obj.close)
