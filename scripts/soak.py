"""Soak paper trading: a month of many pairs in an afternoon, on a venue that misbehaves.

    scripts/soak.py                                  30 days, 16 pairs, 200 kills
    scripts/soak.py --days 1 --pairs 4 --kills 5     minutes

The session is what `mlx-muzero paper start --retrain` runs, on a live feed in virtual time: store,
journal, search, trainings and SIGKILLs are real; venue and clocks are made up. What goes wrong is
drawn from the seed before anything begins. In the end each fault must have been told once, nothing
may be lost or doubled, each life must have begun with the pairs, positions, orders and money that
the one before it left, memory and descriptors must be what they were, and `paper parity` exact; the
exit code is 1 otherwise.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

import mlx_muzero  # noqa: F401 - before mlx, to put its BLAS behind it
from bench.report import Report
from mlx_muzero.errors import StorageError
from mlx_muzero.experiment.stop_switch import StopSwitch
from mlx_muzero.experiment.training import Training
from mlx_muzero.paper.retraining.told_validations import ToldValidations
from mlx_muzero.runlog.journal import JOURNAL
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.training.run import RunFolder
from soaking.accounts import accounts
from soaking.carried import begun_with, carried, left_to_lives
from soaking.faults import drawn
from soaking.held import growth, held
from soaking.life import Soak, live
from soaking.market import PAIRS, Market, recipe
from soaking.parity import Checked
from soaking.told import Tellings
from soaking.virtual_time import MONDAY_NS

_HISTORY_DAYS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description="A month of paper trading in an afternoon.")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--pairs", type=int, default=16, choices=range(2, len(PAIRS) + 1))
    parser.add_argument("--kills", type=int, default=200, help="at least two")
    parser.add_argument("--simulations", type=int, default=2, help="per decision")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where to keep it (default: nowhere)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sys.exit(soaked(folder, options))


def soaked(folder: Path, options: argparse.Namespace) -> int:
    """Soak in `folder`, report, and return the exit code."""
    names = ("days", "pairs", "kills", "simulations", "seed")
    report = Report(options.json, **{name: getattr(options, name) for name in names})
    begun_s = time.monotonic()
    soak = prepared(folder, options)
    lives = lived(soak)
    traded_s = time.monotonic() - begun_s
    tellings = Tellings(soak)
    told, kept = [*tellings.table(soak.plan)], [*accounts(soak, tellings)]
    left = left_to_lives(soak.folder / JOURNAL, soak.market.pairs)
    kept += carried(left, [*begun_with(soak.beginnings_path)])
    report.table("faults", "What went wrong, and how often it was told:", told)
    report.table("accounts", "Lost or doubled:", kept)
    report.table("held", "What the process held, by day:", held(soak))
    grown = growth(soak)
    report.table("growth", "In the days without a kill:", [grown])
    begun_s = time.monotonic()
    parity, counts = Checked.of(soak.folder), tellings.counts
    report.note(
        f"\n{lives} lives, {counts['minute']:,} minutes, "
        f"{counts['candidate_took_over']} changes of model; {parity.text}; "
        f"{traded_s:.0f} s, and {time.monotonic() - begun_s:.0f} s for parity"
    )
    wrong = [row.fault for row in told if not row.good] + [row.what for row in kept if not row.good]
    wrong += ["memory and descriptors"] * (not grown.good) + ["parity"] * (not parity.exact)
    wrong += ["retraining"] * (counts["candidate_took_over"] != soak.plan.candidates)
    report.note(f"not as it should be: {', '.join(wrong)}" if wrong else "all is as it should be")
    report.end()
    return 1 if wrong else 0


def prepared(folder: Path, options: argparse.Namespace) -> Soak:
    """Draw the plan, make the market and train the model."""
    pairs, days, seed = PAIRS[: options.pairs], options.days, options.seed
    plan = drawn(MONDAY_NS, days, pairs, options.kills, seed)
    begin, before = MONDAY_NS // MINUTE_NS, _HISTORY_DAYS * 1440
    minutes = before + round(days * 1440) + 1440
    market = Market(pairs, begin - before, minutes, plan.changes_minute, seed)
    market.store(folder / "bars.duckdb", begin)
    # In a process of its own, as MLX does not survive a fork.
    trainer = os.fork()
    if trainer == 0:
        code = 1
        try:
            _train(folder, options)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    if os.waitpid(trainer, 0)[1]:
        raise SystemExit("the model of the session could not be trained")
    retraining = (
        f"retrain.every_days={plan.retrain_days!r}",
        "retrain.judged_days=2",
        "retrain.margin=-1000000",  # every candidate takes over
    )
    model, session = folder / "model", folder / "paper"
    return Soak(session, model, market, plan, retraining, options.simulations, seed)


def _train(folder: Path, options: argparse.Namespace) -> None:
    config = recipe(PAIRS[: options.pairs], options.simulations)

    def say(_text: str) -> None:
        pass

    made = Training.new(RunFolder(folder / "model"), config, folder / "bars.duckdb", say)
    stop = StopSwitch(None)
    with made.opened(ToldValidations(say), stop.requested, say) as trainer, stop:
        trainer.run()


def lived(soak: Soak) -> int:
    """Live all lives of the session; return their number."""
    now_ns, deaths = soak.plan.begin_ns, [*soak.plan.deaths, None]
    for number, death in enumerate(deaths):
        ended = live(soak, number, now_ns, death)
        expected = {"kill": -9, "full disk": StorageError.exit_code}
        if ended.code != (0 if death is None else expected[death.kind]):
            said = soak.console_path.read_text().splitlines()[-1]
            raise SystemExit(f"life {number} ended with {ended.code}: {json.loads(said)['text']}")
        if death is not None:
            now_ns = max(death.until_ns, ended.at_ns)
    return len(deaths)


if __name__ == "__main__":
    main()
