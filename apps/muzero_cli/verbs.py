"""The verbs, each loaded when it is called: a command starts no slower for those beside it."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_group

VERBS = {
    "data": "muzero_cli.data:app",
    "config": "muzero_cli.config:app",
    "train": "muzero_cli.train:train",
    "evaluate": "muzero_cli.evaluate:evaluate",
    "audit-reward": "muzero_cli.audit_reward:audit_reward",
    "check-leakage": "muzero_cli.leakage:check_leakage",
    "walk-forward": "muzero_cli.walk_forward:walk_forward",
    "tree": "muzero_cli.tree:tree",
    "export": "muzero_cli.export:export",
    "verify": "muzero_cli.verify:verify",
    "profile": "muzero_cli.profile:profile",
    "doctor": "muzero_cli.doctor:doctor",
    "paper": "muzero_cli.paper:app",
    "status": "muzero_cli.status:status",
    "tui": "muzero_cli.tui:tui",
}
"""Where the function of a verb, or the application of its own verbs, is."""


class VerbGroup(TyperGroup):
    """A group of `VERBS`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast(Any, _Commands())  # only ever read

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs by name, none of them loaded."""
        return list(self.commands)


class _Commands(Mapping[str, Any]):
    """A verb's command, made when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = VERBS[name].partition(":")
        verb = getattr(import_module(module), attribute)
        alone = typer.Typer(rich_markup_mode=None)
        if isinstance(verb, typer.Typer):
            alone.add_typer(verb, name=name)
        else:
            alone.command(name)(verb)
        return get_group(alone).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)
