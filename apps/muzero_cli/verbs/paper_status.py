"""`mlx-muzero paper status`: positions and money, from the journal."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from mlx_muzero.alerts.kept import troubles
from mlx_muzero.market.bars import utc_text
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.runlog.verdict_file import VerdictFile
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.run import WatchedRun
from muzero_cli.display.console import output_console
from muzero_cli.failures import answer, end_with, kept_verdict
from muzero_cli.verbs.status import WATCH_S


def show_status(run: Path, as_json: bool, watch: bool, exit_code: bool) -> None:
    """Print the state of the session at `run`; with `watch`, again at every change."""
    PaperFolder.of_session(run)
    verdict = kept_verdict(run) if exit_code else None
    watched, seen = WatchedRun(run), -1
    while True:
        watched.poll()
        if watched.version != seen:
            seen = watched.version
            _show(watched, as_json)
        if not watch:
            break
        time.sleep(WATCH_S)
    if verdict is not None:
        end_with(verdict)


def _show(watched: WatchedRun, as_json: bool) -> None:
    state = watched.state
    assert isinstance(state, PaperState)
    if as_json:
        facts: dict[str, Any] = {
            "run": str(watched.folder),
            "condition": watched.condition,
            "pid": watched.pid,
        }
        facts["verdict"] = VerdictFile.told(watched.folder)
        facts["alerts"] = troubles(watched.folder)
        answer(facts | state.money | {"pairs": state.pairs})
        return
    out = output_console()
    if (verdict := VerdictFile.told(watched.folder)) is not None:
        out.print(Text(verdict, style="bold"))
    by = f", process {watched.pid}" if watched.pid else ""
    out.print(f"{watched.folder}: {watched.condition}{by}")
    for line in troubles(watched.folder):
        out.print(Text(line))
    if not state.minute:
        out.print("no minute has been traded yet")
        return
    money = state.money
    reason = f" ({money['mode_reason']})" if money["mode_reason"] else ""
    out.print(f"{utc_text(money['close_ns'])} UTC  {money['mode']}{reason}")
    out.print(
        f"equity {_amount(money['equity'])}  day {_signed(money['day_pnl'])}  open "
        f"{_signed(money['unrealized'])}  drawdown {_number(money['drawdown_frac'], '.2%')}  "
        f"exposure {_number(money['exposure_total'], 'g')}  backend {money['backend']}"
    )
    if state.model:
        out.print(f"model {state.model}")
    if state.retraining:
        out.print(Text(f"retraining: {state.retraining}"), soft_wrap=True)
    if state.substitute:
        out.print(f"{state.substitute} plays instead of {money['backend_wanted']}")
    out.print(_positions(state))
    if state.notices:
        last = state.notices[-1]
        text = last.get("consequence") or last.get("reason") or last.get("reaction") or ""
        out.print(f"last notice: {last['event']} {last.get('name', '')} {text}".rstrip())


def _positions(state: PaperState) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("pair", "state", "position"):
        table.add_column(heading)
    for heading in ("exposure", "entry", "price", "open P&L"):
        table.add_column(heading, justify="right")
    planned = any(row.get("funding_bps") is not None for row in state.pairs.values())
    if planned:
        table.add_column("funding", no_wrap=True)
    table.add_column("why")
    for pair, row in state.pairs.items():
        table.add_row(
            pair,
            str(row.get("state", "-")),
            str(row.get("position", "-")),
            _number(row.get("exposure"), "+g"),
            _number(row.get("entry_price"), ".6g") if row.get("exposure") else "-",
            _number(row.get("close"), ".6g"),
            _signed(row.get("unrealized")) if row.get("exposure") else "-",
            *([_funding(row)] if planned else ()),
            str(row.get("why") or ""),
        )
    return table


def _funding(row: Mapping[str, Any]) -> str:
    """The rate that plans expect of settlements to come, and where it comes from."""
    if (paid_bps := row.get("funding_bps")) is None:
        return "-"
    return f"{paid_bps:+.2f} bps, {row.get('funding_from') or '?'}"


def _amount(value: Any) -> str:
    return _number(value, ",.2f")


def _signed(value: Any) -> str:
    return _number(value, "+,.2f")


def _number(value: Any, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "-"
