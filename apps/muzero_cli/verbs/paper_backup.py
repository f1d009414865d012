"""What `mlx-muzero paper backup` and `paper restore` do: move an account to another machine."""

from dataclasses import asdict
from pathlib import Path
from shlex import quote

from mlx_muzero.agent.backend_choice import ENGINES
from mlx_muzero.market.bars import utc_text
from mlx_muzero.paper.records.backup import Backup, restore_backup, write_backup
from mlx_muzero.paper.records.origin import mark_moved, require_here
from mlx_muzero.paper.records.snapshot import looked_at
from mlx_muzero.paper.records.store import PaperStore
from muzero_cli.display.console import echo, narration_console, say
from muzero_cli.failures import answer
from muzero_cli.verbs.paper_commands import end, session_at


def backup(run: Path, file: Path, move: bool, as_json: bool) -> None:
    """Write the session at `run` to `file`, while it trades; with `move` it ends here for good."""
    account = session_at(run)
    require_here(account)
    if move:
        if account.holder() is not None:
            end(account)
        # Held until it is marked: whatever restarts it meanwhile finds it moved.
        with account.held(), PaperStore(account.store_path, read_only=True) as store:
            made = write_backup(account, store, account, file)
            mark_moved(account, file, made.origin.time)
    else:
        with looked_at(account) as (session, store):
            made = write_backup(session, store, account, file)
    _tell(
        made,
        f"{file}: the account of {run} as it was {_moment(made)}, {_size(made)}"
        + ("; it no longer trades here." if move else ". It continues here."),
        f"there: mlx-muzero paper restore {quote(file.name)} NEW_RUN",
        as_json,
    )


def restore(file: Path, run: Path, database: Path | None, as_json: bool) -> None:
    """Make `run` the session in `file`."""
    made = restore_backup(file, run, database)
    session = made.settings.session
    _tell(
        made,
        f"{run}: restored from {made.origin}, {_moment(made)}, {_size(made)}",
        f"resume with: mlx-muzero paper start --run {quote(str(run))}",
        as_json,
    )
    console = narration_console()
    say(console, f"Do not trade it at {made.origin.host}:{made.origin.path} any longer.")
    if session.feed == "replay":
        say(console, f"It replays {session.database}, which is not in the backup.")
    if session.backend in ENGINES:
        say(
            console,
            f"It plays an export, which is not in the backup: mlx-muzero export {session.model}",
        )


def _tell(made: Backup, about: str, then: str, as_json: bool) -> None:
    if as_json:
        answer({"origin": asdict(made.origin), "files": made.files})
    else:
        echo(about)
        echo(then)


def _moment(made: Backup) -> str:
    close_ns = made.origin.close_ns
    return f"after {utc_text(close_ns)} UTC" if close_ns else "before its first minute"


def _size(made: Backup) -> str:
    return f"{sum(made.files.values()) / 1e6:,.1f} MB"
