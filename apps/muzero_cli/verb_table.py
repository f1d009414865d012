"""The verbs, each loaded when it is called: a command starts no slower for those beside it."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Verb(NamedTuple):
    """Where the function of a verb, or the application of its own verbs, is; and what it does.

    Help and completion show `about`: it is what the verb's own help begins with.
    """

    target: str
    about: str


VERBS = {
    "data": Verb(
        "muzero_cli.verbs.data:app",
        "Import, list and check minute bars and the series that accompany them.",
    ),
    "config": Verb("muzero_cli.verbs.config:app", "Show and check configurations."),
    "train": Verb(
        "muzero_cli.verbs.train:train",
        "Train an agent; Ctrl-C saves a checkpoint and prints the command that resumes.",
    ),
    "evaluate": Verb(
        "muzero_cli.verbs.evaluate:evaluate",
        "Evaluate a run on data it was not trained on, next to the baselines.",
    ),
    "audit-reward": Verb(
        "muzero_cli.verbs.audit_reward:audit_reward",
        "Rank scripted policies by what each reward scheme pays them, next to their net pips.",
    ),
    "check-leakage": Verb(
        "muzero_cli.verbs.check_leakage:check_leakage",
        "Replace everything after a bar and check that nothing known before it changes.",
    ),
    "walk-forward": Verb(
        "muzero_cli.verbs.walk_forward:walk_forward",
        "Train and test in rolling windows over years, with one report of all tests.",
    ),
    "tree": Verb(
        "muzero_cli.verbs.tree:tree",
        "Show what a run's agent considers at one bar, starting flat.",
    ),
    "export": Verb(
        "muzero_cli.verbs.export:export",
        "Export a run's networks to Core ML and verify them before they replace an older export.",
    ),
    "verify": Verb(
        "muzero_cli.verbs.verify:verify",
        "Compare an export's saved programs with the model they were made from.",
    ),
    "profile": Verb(
        "muzero_cli.verbs.profile:profile",
        "Measure every backend on this machine and remember the fastest.",
    ),
    "doctor": Verb(
        "muzero_cli.verbs.doctor:doctor",
        "Report what this machine has, how fast it is, and what is missing and why.",
    ),
    "paper": Verb("muzero_cli.verbs.paper:app", "Trade on paper: real bars, simulated fills."),
    "status": Verb(
        "muzero_cli.verbs.status:status",
        "Show how a run stands: what the terminal application shows, as text or JSON.",
    ),
    "tui": Verb(
        "muzero_cli.verbs.tui:tui",
        "Watch training and paper trading, live or at any past moment.",
    ),
}


class VerbGroup(TyperGroup):
    """A group of `VERBS`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast(Any, _Commands())  # only ever read

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs by name, none of them loaded."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What a list shows of a verb, which is not loaded for it; None if there is none."""
        verb = VERBS.get(cmd_name)
        return verb and TyperCommand(cmd_name, help=verb.about, rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that `args` begin with, loaded, and what follows."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and self.commands[cast(str, listed.name)], rest


class _Commands(Mapping[str, Any]):
    """A verb's command, made when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = VERBS[name].target.partition(":")
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
