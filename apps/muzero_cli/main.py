"""`mlx-muzero`: the verbs, and how their errors become exit codes.

Exit codes: 0 done; 2 wrong usage; 3 configuration; 4 market data; 5 run or checkpoint; 6 training
diverged; 7 search; 8 export; 9 exported programs do not run; 10 feed; 12 leakage; 13 a rank of a
distributed training was lost; 130 stopped by the user.
Narration goes to stderr, data to stdout.
"""

import sys

import typer
from rich.console import Console
from rich.text import Text

from mlx_muzero.errors import MuZeroError
from muzero_cli import config, data, paper
from muzero_cli.audit_reward import audit_reward
from muzero_cli.doctor import doctor
from muzero_cli.evaluate import evaluate
from muzero_cli.export import export
from muzero_cli.leakage import check_leakage
from muzero_cli.profile import profile
from muzero_cli.status import status
from muzero_cli.synthetic import synth
from muzero_cli.train import train
from muzero_cli.tree import tree
from muzero_cli.tui import tui
from muzero_cli.verify import verify
from muzero_cli.walk_forward import walk_forward

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Planning-based trading: Stochastic MuZero in MLX with a C++ tree search.",
    epilog="Exit codes: 2 usage, 3 configuration, 4 market data, 5 run or checkpoint, "
    "6 training diverged, 7 search, 8 export, 9 exported programs do not run, 10 feed, "
    "12 leakage, 13 a training rank lost, 130 stopped by the user.",
)
data.app.command("synth")(synth)
app.add_typer(data.app, name="data")
app.add_typer(config.app, name="config")
app.add_typer(paper.app, name="paper")
app.command("train")(train)
app.command("evaluate")(evaluate)
app.command("audit-reward")(audit_reward)
app.command("check-leakage")(check_leakage)
app.command("walk-forward")(walk_forward)
app.command("tree")(tree)
app.command("export")(export)
app.command("verify")(verify)
app.command("profile")(profile)
app.command("doctor")(doctor)
app.command("status")(status)
app.command("tui")(tui)


def run() -> None:
    """Entry point of the console script: one line, no traceback, for a user's mistake."""
    try:
        app()
    except MuZeroError as error:
        # As Text: a message may hold brackets, which markup would swallow.
        message = Text.assemble(("error:", "bold red"), f" {error}")
        Console(stderr=True).print(message, soft_wrap=True, highlight=False)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
