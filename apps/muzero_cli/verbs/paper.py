"""`mlx-muzero paper`: start or resume a paper session, command it, check it, report on it."""

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from mlx_muzero.words import command
from muzero_cli import completion
from muzero_cli.options import (
    Checkpoint,
    CsvFolder,
    ExitCode,
    HtmlFile,
    Json,
    ParquetFolder,
    RootBackend,
    SearchBackend,
    SearchPrecision,
    SecretsFile,
    Simulations,
    Watch,
    refuse_both,
)

app = typer.Typer(no_args_is_help=True, help="Trade on paper: real bars, simulated fills.")

PaperOverrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="Override one key, as section.key=value; repeatable.",
        autocompletion=completion.paper_keys,
    ),
]
Restarts = Annotated[
    int, typer.Option(min=0, max=60, help="Start the session again, at most so often an hour.")
]
Run = Annotated[
    Path, typer.Argument(help="Folder of the paper session.", autocompletion=completion.runs)
]
OnePair = Annotated[
    str,
    typer.Argument(
        help="Pair, in our notation or the venue's.", autocompletion=completion.pairs_of_session
    ),
]
Command = Literal["stop-entries", "flatten", "halt", "resume"]
PairCommand = Literal["close", "exclude", "include"]


@app.command()
def start(
    model: Annotated[
        Optional[Path],
        typer.Option(help="Training run whose model trades.", autocompletion=completion.runs),
    ] = None,
    pairs: Annotated[
        Optional[str],
        typer.Option(
            help="Comma-separated pairs, in our notation or the venue's.",
            autocompletion=completion.symbols,
        ),
    ] = None,
    feed: Annotated[
        Optional[str], typer.Option(help="replay (the default), ccxt:EXCHANGE or oanda.")
    ] = None,
    run: Annotated[
        Optional[Path],
        typer.Option(
            help="Folder, new or existing (default: runs/paper-MODEL).",
            autocompletion=completion.runs,
        ),
    ] = None,
    checkpoint: Checkpoint = "best",
    backend: SearchBackend = None,
    root_backend: RootBackend = None,
    precision: SearchPrecision = None,
    simulations: Simulations = None,
    db: Annotated[
        Optional[Path],
        typer.Option(help="Bar store to replay, or of macro figures (default: the model's)."),
    ] = None,
    from_: Annotated[
        Optional[str],
        typer.Option("--from", help="First minute of a replay, in UTC, such as 2025-05-26T00:00."),
    ] = None,
    to: Annotated[Optional[str], typer.Option(help="End of a replay, in UTC.")] = None,
    speed: Annotated[
        Optional[float],
        typer.Option(
            min=0.0, help="Replay speed: 1 = real time, 0 = as fast as possible (default)."
        ),
    ] = None,
    retrain: Annotated[
        Optional[str],
        typer.Option(
            help="Train a candidate on all bars so often, as 7d or 12h, and let it take over if it "
            "is better (default: never)."
        ),
    ] = None,
    set_: PaperOverrides = [],  # noqa: B006
    watch: Annotated[
        bool, typer.Option("--tui", help="Trade in the background and watch it here.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start a session, or resume the one in --run, whether it was stopped or killed.

    Ctrl-C stops it; positions stay open. A session keeps the settings it started with, including
    checkpoint and speed: to resume it, give only its --run, or repeat the whole command.
    """
    if run is None and model is None:
        raise typer.BadParameter(
            "give --model, a training run, to start a session, or --run to resume one", None, None
        )
    folder = run or Path("runs") / f"paper-{Path(str(model)).name}"
    if watch:
        from muzero_cli.background import start_and_watch

        stopping = f"stop it, positions stay open: {command('paper', 'stop', folder)}"
        start_and_watch(folder, "trading on paper", lambda _pid: stopping)
        return
    from mlx_muzero.paper.beginning import SessionOptions
    from muzero_cli.verbs.paper_session import trade

    options = SessionOptions(
        *(model, pairs, feed, checkpoint, backend, simulations, db, from_, to, speed),
        (*set_, *_retraining(retrain)),
        root_backend,
        precision,
    )
    trade(folder, options, as_json)


def _retraining(interval: str | None) -> tuple[str, ...]:
    """The setting that an interval of days or hours stands for."""
    if interval is None:
        return ()
    number, unit = interval[:-1], interval[-1:]
    hours = {"d": 24.0, "h": 1.0}.get(unit)
    try:
        if hours is None:
            raise ValueError
        return (f"retrain.every_days={float(number) * hours / 24.0!r}",)
    except ValueError:
        raise typer.BadParameter(
            f"{interval!r} is no interval: write days or hours, as 7d or 12h",
            param_hint="--retrain",
        ) from None


def _command(name: Command, about: str) -> None:
    def act(run: Run, as_json: Json = False) -> None:
        from muzero_cli.verbs.paper_commands import command

        command(run, name, as_json)

    app.command(name, help=about)(act)


def _pair_command(name: PairCommand, about: str) -> None:
    def act(run: Run, pair: OnePair, as_json: Json = False) -> None:
        from muzero_cli.verbs.paper_commands import command

        command(run, name, as_json, pair=pair)

    app.command(name, help=about)(act)


_command("stop-entries", "Stop opening and increasing positions; keep managing open ones.")
_command("flatten", "Close every position at its next bar's open, and open no new ones.")
_command("halt", "Stop trading; positions stay open.")
_command("resume", "Trade again; losses count from now. Excluded pairs stay excluded.")
_pair_command("close", "Close one pair's position at its next bar's open, and stop trading it.")
_pair_command("exclude", "Stop trading one pair; its position stays open.")
_pair_command("include", "Resume trading a pair that was closed or excluded.")


@app.command()
def stop(run: Run, as_json: Json = False) -> None:
    """Stop the process that trades; positions stay open, and the session can resume later."""
    from muzero_cli.verbs.paper_commands import stop

    stop(run, as_json)


@app.command()
def status(
    run: Run,
    as_json: Json = False,
    watch: Watch = False,
    exit_code: ExitCode = False,
) -> None:
    """Show positions and money, while the session trades or afterwards."""
    refuse_both(watch, exit_code)
    from muzero_cli.verbs.paper_status import show_status

    show_status(run, as_json, watch, exit_code)


@app.command()
def watch(
    run: Run,
    restart: Restarts = 0,
    secrets: SecretsFile = None,
    as_json: Json = False,
) -> None:
    """Alarm when the session dies or falls silent, and start it again; ends with Ctrl-C.

    A session that a user stopped or halted is left alone, as is one that refuses to start.
    """
    from muzero_cli.verbs.paper_watch import watch

    watch(run, restart, secrets, as_json)


@app.command("install-service")
def service(
    run: Run,
    restart: Restarts = 3,
    secrets: SecretsFile = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the service file; change nothing.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="End the service and remove its file.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Keep `paper watch` running: a launchd agent on a Mac, a systemd user unit elsewhere.

    The service survives logouts and restarts as the system's services do. Removing it leaves the
    session as it is.
    """
    from muzero_cli.verbs import paper_service

    if show and remove:
        raise typer.BadParameter("cannot be combined with --remove", param_hint="--show")
    if remove:
        paper_service.remove_service(run, as_json)
    elif show:
        paper_service.show_service(run, restart, secrets, as_json)
    else:
        paper_service.install_service(run, restart, secrets, as_json)


@app.command()
def backup(
    run: Run,
    file: Annotated[Path, typer.Argument(help="New file, such as account.tar.")],
    move: Annotated[
        bool,
        typer.Option("--move", help="End the session here, so that it can continue elsewhere."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the account and its model to one file, even while it trades.

    To move it to another machine: backup --move here, restore there.
    """
    from muzero_cli.verbs.paper_backup import backup

    backup(run, file, move, as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="File written by paper backup.")],
    run: Annotated[Path, typer.Argument(help="New folder for the session.")],
    db: Annotated[
        Optional[Path], typer.Option(help="Bar store from which a replay continues here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore a session from a backup, after checking sizes and digests."""
    from muzero_cli.verbs.paper_backup import restore

    restore(file, run, db, as_json)


@app.command()
def parity(run: Run, as_json: Json = False) -> None:
    """Replay a session through the batch path; exit code 5 if anything differs."""
    from muzero_cli.verbs.paper_checks import show_parity

    show_parity(run, as_json)


@app.command()
def report(
    run: Run,
    csv: CsvFolder = None,
    parquet: ParquetFolder = None,
    html: HtmlFile = None,
    exit_code: ExitCode = False,
    as_json: Json = False,
) -> None:
    """Report on a session, running or not: metrics, money, costs, funding, latency."""
    from muzero_cli.verbs.paper_checks import show_report

    show_report(run, {"csv": csv, "parquet": parquet}, html, exit_code, as_json)
