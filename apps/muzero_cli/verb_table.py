"""The verbs, each loaded when called, so that no command slows down the start of another."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Verb(NamedTuple):
    """A verb: where to find its function (or its application of further verbs), and what it does.

    Help and completion show `about`, which is also the first line of the verb's own help.
    """

    target: str
    about: str


VERBS = {
    "data": Verb(
        "muzero_cli.verbs.data:app",
        "Import, download, list and check minute bars and the series that accompany them.",
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
    "sweep": Verb(
        "muzero_cli.verbs.sweep:sweep",
        "Train several configurations, and rank them by their validation splits alone.",
    ),
    "compare-runs": Verb(
        "muzero_cli.verbs.compare_runs:compare_runs",
        "Compare runs on the sessions they share: settings, days, and differences beyond chance.",
    ),
    "train-rival": Verb(
        "muzero_cli.verbs.train_rival:train_rival",
        "Train a run's rival by PPO, as long and as often as agents were trained on its bars.",
    ),
    "looks": Verb(
        "muzero_cli.verbs.looks:looks",
        "List what was trained, chosen and tested on a store's bars, or merge another such ledger.",
    ),
    "tree": Verb(
        "muzero_cli.verbs.tree:tree",
        "Show what a run's agent considers at one bar, starting flat.",
    ),
    "export": Verb(
        "muzero_cli.verbs.export:export",
        "Export a run's networks for Apple's frameworks, each verified before it is kept.",
    ),
    "verify": Verb(
        "muzero_cli.verbs.verify:verify",
        "Compare an export's saved programs, or a precision, with the model.",
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
    "alerts": Verb("muzero_cli.verbs.alerts:app", "Alerts to people who are not watching a run."),
    "status": Verb(
        "muzero_cli.verbs.status:status",
        "Show the state of a run, as the terminal application does, as text or JSON.",
    ),
    "tui": Verb(
        "muzero_cli.verbs.tui:tui",
        "Watch training and paper trading, live or at any past moment.",
    ),
}


class VerbGroup(TyperGroup):
    """The group of all `VERBS`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast(Any, _Commands())  # only ever read

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the verbs, without loading them."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in for a verb in listings, without loading it; None if there is no such verb."""
        verb = VERBS.get(cmd_name)
        return verb and TyperCommand(cmd_name, help=verb.about, rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that `args` start with, loaded, and the remaining arguments."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and self.commands[cast(str, listed.name)], rest


class _Commands(Mapping[str, Any]):
    """The verbs' commands, each made when it is looked up."""

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
