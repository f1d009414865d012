"""Makes one candidate in a process of its own: ``python -m ... JOB``.

Stage by stage: the bars are gathered, a model is trained on them and judged beside the one that
plays. Each stage leaves what it made, whole or not at all, so that a process that was killed is
followed by one that goes on. The session's process begins it (`candidate_process`) and decides what
follows; when that process ends, so does this one.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mlx_muzero.config.schema import Config
from mlx_muzero.errors import MuZeroError, RunError
from mlx_muzero.experiment.loading import load_dataset
from mlx_muzero.experiment.stop_switch import StopSwitch
from mlx_muzero.experiment.training import Training
from mlx_muzero.market.bars import utc_text
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.snapshot import opened_for_reading
from mlx_muzero.paper.retraining.days import cut_for_judging
from mlx_muzero.paper.retraining.gathering import gather
from mlx_muzero.paper.retraining.job import Job
from mlx_muzero.paper.retraining.judging import Court
from mlx_muzero.paper.retraining.played_model import CandidateFolder
from mlx_muzero.paper.retraining.told_validations import ToldValidations
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.processes.child_module import END_S
from mlx_muzero.processes.lifeline import end_with_parent
from mlx_muzero.runlog.folders import append_line
from mlx_muzero.runlog.lock import locked
from mlx_muzero.runlog.working_time import minutes_worked
from mlx_muzero.training.run import RunFolder

_PREDECESSOR_S = 60.0
"""How long the process of a session that was killed may take to end."""

Say = Callable[[str], None]


def make(job: Job, say: Say) -> None:
    """Go on with `job` until there is a verdict.

    Raises:
        MuZeroError: a stage failed; the message says why.
    """
    folder, account = job.folder, PaperFolder(job.session)
    if folder.verdict_path.exists():
        return
    settings = account.settings()
    begun = RunFolder(Path(settings.session.model))
    config, store = begun.config(), Path(begun.market().store)
    if not folder.bars_path.exists():
        with opened_for_reading(account) as (_, heard):
            gather(heard, store, config.market, job.until_ns, folder.bars_path, say)
    run = RunFolder(folder.run_path)
    _train(run, _config(config, folder, settings), folder.bars_path, settings, say)
    dataset, _ = load_dataset(run.config(), folder.bars_path)
    court = Court(job.session, settings, config, dataset, store, say)
    court.judge(job.number, job.playing).keep(folder.verdict_path)


def _config(config: Config, folder: CandidateFolder, settings: PaperSettings) -> Config:
    """The configuration of the candidate: the recipe of the session's run, on the bars until now.

    Raises:
        DataError: there are too few bars.
    """
    market = replace(config.market, first_utc="", end_utc="")
    threads = replace(config.search, threads=settings.retrain.threads)
    whole = replace(config, market=market, search=threads)
    dataset, _ = load_dataset(whole, folder.bars_path)
    return replace(whole, market=cut_for_judging(dataset, settings.retrain.judged_days))


def _train(run: RunFolder, config: Config, bars: Path, settings: PaperSettings, say: Say) -> None:
    """Train until the episodes are done or the minutes are over.

    Raises:
        RunError: it was asked to stop; what was learned is saved.
    """
    if run.exists and run.finished:
        return
    left: float | None = None
    if settings.retrain.minutes:
        left = settings.retrain.minutes - minutes_worked(run.journal_path)
        if left <= 0.0 and run.checkpoints.latest() is not None:
            return
    training = (
        Training.begun(run, bars, say) if run.exists else Training.new(run, config, bars, say)
    )
    stop = StopSwitch(left)
    with training.opened(ToldValidations(say), stop.requested, say) as trainer, stop:
        trainer.run()
    if stop.interrupted:
        raise RunError(f"{run.path}: asked to stop; what was learned is saved")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, once a predecessor has let go of it."""
    until = time.monotonic() + _PREDECESSOR_S
    while True:
        try:
            with locked(path):
                yield
            return
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise RunError(f"{path} is held by process {error}, which does not end") from error
            time.sleep(0.2)


def main(argument: str) -> None:
    """Do the job that a session's process wrote."""
    facts = json.loads(argument)
    os.nice(facts.pop("niceness"))
    end_with_parent(facts.pop("lifeline"), END_S)
    job = Job.parsed(facts)

    def say(text: str) -> None:
        line = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  {text}"
        append_line(job.folder.log_path, line.encode())

    with _alone(job.folder.path / "lock"):
        say(f"candidate {job.number}, on bars until {utc_text(job.until_ns)} UTC")
        make(job, say)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except MuZeroError as error:
        sys.exit(str(error))
