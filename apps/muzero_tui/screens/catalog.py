"""The six screens by name, each loaded when first shown, and the ids of all key bindings."""

from importlib import import_module
from typing import Any

from textual.app import App
from textual.binding import Binding

from muzero_tui.screens.base import RunScreen


def make_screen(name: str) -> RunScreen:
    """Make the screen called `name`."""
    made = getattr(import_module(f"muzero_tui.screens.{name}"), f"{name.title()}Screen")()
    assert isinstance(made, RunScreen)
    return made


def binding_ids(app: type[App[None]]) -> set[str]:
    """The ids of all key bindings, including those of `app`."""
    from muzero_tui.screens.confirm import ConfirmScreen
    from muzero_tui.screens.copy_menu import CopyScreen
    from muzero_tui.screens.help import HelpScreen
    from muzero_tui.screens.jump import JumpScreen
    from muzero_tui.screens.live import LiveScreen, PairTable
    from muzero_tui.screens.runs import RunsTable
    from muzero_tui.screens.tree import TreeScreen
    from muzero_tui.widgets.log_pane import LogPane
    from muzero_tui.widgets.panel import PlotPanel
    from muzero_tui.widgets.search_tree import SearchTree
    from muzero_tui.widgets.tables import LiveTable

    owners: tuple[type[Any], ...] = (
        app, RunScreen, LiveScreen, TreeScreen, PlotPanel, SearchTree, ConfirmScreen,
        HelpScreen, RunsTable, PairTable, LiveTable, LogPane, CopyScreen, JumpScreen,
    )  # fmt: skip
    bindings = (binding for owner in owners for binding in owner.BINDINGS)
    return {binding.id for binding in bindings if isinstance(binding, Binding) and binding.id}
