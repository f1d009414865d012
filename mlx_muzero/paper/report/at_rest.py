"""Reports on a session in its folder, as of now, whether or not a process is trading it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from mlx_muzero.experiment.looks import configuration_digest
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.market.store.table_files import TableFormat, write_tables
from mlx_muzero.paper.beginning import load_planner
from mlx_muzero.paper.planner import Planner
from mlx_muzero.paper.played_bars import fitted_on
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.snapshot import opened_for_reading
from mlx_muzero.paper.report.daily_returns import daily_returns
from mlx_muzero.paper.report.page import ShownSession
from mlx_muzero.paper.report.parity import Parity, check_parity
from mlx_muzero.paper.report.session_report import PlayedSession, SessionReport, report_session
from mlx_muzero.paper.retraining.loading import loaded
from mlx_muzero.paper.retraining.played_model import PlayedModel
from mlx_muzero.paper.session_setup import replayed_series
from mlx_muzero.runlog.journal import Journal
from mlx_muzero.runlog.look_ledger import LookLedger, configurations_tried
from mlx_muzero.training.run import RunFolder


def report_folder(
    account: PaperFolder,
    exports: Mapping[TableFormat, Path] | None = None,
    exported: Callable[[Path, int], None] = lambda _target, _tables: None,
    tick: Callable[[int], None] = lambda _bars: None,
    shown: Callable[[ShownSession], None] = lambda _session: None,
) -> SessionReport:
    """Report on the session in `account`, and write its tables where asked to.

    Args:
        account: the session's folder.
        exports: folder to write the tables to, by format.
        exported: called with such a folder and how many tables were written to it.
        tick: called with the number of bars a baseline has played.
        shown: receives the session while its store is open, to make a page of it.

    Raises:
        RunError: no minute has been traded yet, or the store cannot be read.
    """
    exports = exports or {}
    with opened_for_reading(account, list(exports.values())) as (folder, store):
        settings = folder.settings()
        model = RunFolder(Path(settings.session.model))
        config = model.config()
        series = replayed_series(settings, config)
        ledger = LookLedger(Path(model.market().store))
        looks = ledger.of_configuration(settings.pairs, configuration_digest(config))
        tried = configurations_tried(looks)
        parts: list[PlayedSession] = []
        report = report_session(folder, store, settings, config, series, tick, tried, parts.append)
        fitted = fitted_on(model, [pair.session for pair in parts[0].recorded.values()])
        report = replace(report, fitted=None if fitted is None else fitted.words)
        shown(ShownSession(account, store, settings, config, looks, report, *parts))
        returns = daily_returns({"the agent": parts[0].agent, **parts[0].baselines})
        for table_format, target in exports.items():
            files = store.export(target, table_format)
            files += write_tables({"returns": returns}, target, table_format)
            exported(target, len(files))
    return report


def check_folder(
    account: PaperFolder,
    report: Callable[[EngineEvent], None],
    doing: Callable[[str, int], None] = lambda _what, _total: None,
    tick: Callable[[int], None] = lambda _minutes: None,
) -> Parity:
    """Replay the session in `account` through the batch path, and journal the result.

    The journal of a session that is being traded is left alone.

    Args:
        account: the session's folder.
        report: receives what happens to the programs of an export.
        doing: called with what begins, and its number of minutes.
        tick: called with the number of minutes played.

    Raises:
        RunError: the store, or the model, cannot be read.
    """
    with opened_for_reading(account) as (folder, store):
        settings = folder.settings()
        config, planner, _ = load_planner(settings, report)
        series = replayed_series(settings, config)

        def planner_of(model: PlayedModel) -> Planner:
            return loaded(account.path, settings, report, model).planner

        found = check_parity(store, settings, config, planner, series, doing, tick, planner_of)
        # A snapshot's journal if the session is being traded: only that process writes its own.
        Journal(folder.journal_path).append("parity", **found.as_dict())
    return found
