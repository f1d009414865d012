"""Stage by stage, with candidates that a script makes: what the engine begins, follows, keeps."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from mlx_muzero.errors import RunError, StorageError
from mlx_muzero.evaluation.luck.paired_days import PairedDays
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.paper.retraining.played_model import CandidateFolder, PlayedModel
from mlx_muzero.paper.retraining.recorded import retraining_of as recorded
from mlx_muzero.paper.retraining.retraining import Retraining
from mlx_muzero.paper.retraining.verdict import Verdict
from paper_sessions import BEGIN_NS, CONFIG, MINUTE_NS, DicePlanner, events_of, play, settings

PAIRS = ("USDJPY", "EURJPY")
TABLES = ("decisions", "orders", "fills", "trades", "equity")
EVERY = 10
"""Minutes between two candidates."""
FIRST = PlayedModel(0, "000001-episode-000004", "0" * 64)


def weights_of(number):
    return f"{number:x}" * 64


def verdict_of(job, low=1.0, days=20):
    found = PairedDays(days, 12, 8, 2.0, low, 3.0, 1.0)
    model = PlayedModel(job.number, f"00000{job.number}", weights_of(job.number))
    return Verdict(model, job.playing.weights, "a", "b", found, 2.0, 0.0, "pips", "Look 1")


class OtherPlanner(DicePlanner):
    """Decides otherwise than `DicePlanner`, and otherwise for each number."""

    def __init__(self, number):
        super().__init__()
        self._number = number

    def plan(self, observation, position, seed, simulations, moment):
        return super().plan(observation, position, seed + self._number, simulations, moment)


class SwitchingPlanner(DicePlanner):
    """A planner that plays as what it adopted."""

    def __init__(self):
        super().__init__()
        self.adopted = None

    def plan(self, *asked):
        return super().plan(*asked) if self.adopted is None else self.adopted.plan(*asked)

    def adopt(self, rival):
        self.adopted = rival


class Script:
    """Makes candidates, all of which end as told: with what `verdict_of` takes, or in failure.

    Attributes:
        jobs: that were begun or gone on with.
    """

    def __init__(self, end):
        self._end, self.jobs = end, []

    def __call__(self, job, niceness):
        self.jobs.append(job)
        end = self._end
        if isinstance(end, OSError):
            raise end
        if isinstance(end, dict):
            checkpoint = job.folder.run_path / "checkpoints" / f"00000{job.number}"
            checkpoint.mkdir(parents=True, exist_ok=True)
            job.folder.bars_path.write_text("bars")
            verdict_of(job, **end).keep(job.folder.verdict_path)
        return SimpleNamespace(wait=lambda: end if isinstance(end, str) else None, end=lambda: None)


def load_other(model):
    return OtherPlanner(model.number)


def retraining_play(path, script, load=load_other, kind=Retraining, **options):
    """One process's life of a session that retrains: it plays what its store says."""
    planner, store_path = SwitchingPlanner(), path / "store.duckdb"
    if store_path.exists():
        with PaperStore(store_path, read_only=True) as store:
            if (playing := recorded(store).playing) is not None and playing.number:
                planner.adopt(load(playing))

    def retraining_of(folder, paper, session):
        session.retraining.played = [FIRST]
        return kind(folder, paper, session, load, script)

    paper = settings(PAIRS, f"retrain.every_days={EVERY / 1440!r}")
    return play(path, paper, planner, retraining_of=retraining_of, **options)


def stages(played):
    return [e["event"] for e in events_of(played) if e["event"].startswith("candidate")]


def minutes_by_model(played):
    return {e["close_ns"]: e["model"] for e in events_of(played, "minute")}


def test_a_better_candidate_decides_from_the_next_minute_and_parity_is_exact(tmp_path):
    script = Script({"low": 0.5})
    played = retraining_play(tmp_path / "p", script)
    took = ["candidate_began", "candidate_took_over"]
    assert stages(played)[:4] == took * 2
    assert [job.number for job in script.jobs][:2] == [1, 2]
    assert script.jobs[1].playing.weights == weights_of(1)
    models = minutes_by_model(played)
    first_ns = BEGIN_NS + MINUTE_NS  # the first minute decided on
    changed_ns = first_ns + EVERY * MINUTE_NS
    assert models[changed_ns] == FIRST.name, "the minute after which it was judged"
    assert models[changed_ns + MINUTE_NS] == weights_of(1)[:16]
    with PaperStore(played.folder.store_path, read_only=True) as store:
        arguments = store, played.folder.settings(), CONFIG, DicePlanner()
        assert check_parity(*arguments, planner_of=lambda m: OtherPlanner(m.number)).exact
        assert not check_parity(*arguments, planner_of=lambda _m: DicePlanner()).agrees


def test_positions_and_orders_are_carried_over(tmp_path):
    states = []

    class Looking(Retraining):
        def after_minute(self):
            for news in super().after_minute():
                states.append(self._session.state())
                yield news

    retraining_play(tmp_path / "p", Script({}), kind=Looking)
    began, took_over = states[:2]
    assert began["retraining"] != took_over["retraining"]
    assert {**began, "retraining": {}} == {**took_over, "retraining": {}}
    assert took_over["accounts"] == began["accounts"] != {}


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ({"low": 0.0}, "candidate_refused"),
        ("it ended by SIGKILL", "candidate_failed"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ({"low": None}, "candidate_refused"),
                ({"days": 19}, "candidate_refused"),
                (OSError(28, "no space left"), "candidate_failed"),
            )
        ),
    ],
)
def test_a_worse_or_failed_candidate_changes_nothing_and_is_told_once(tmp_path, end, told):
    kept = retraining_play(tmp_path / "p", Script(end))
    plain = play(tmp_path / "plain", settings(PAIRS))
    assert stages(kept)[:4] == ["candidate_began", told] * 2
    assert set(minutes_by_model(kept).values()) == {FIRST.name}
    for table in TABLES:
        assert getattr(kept, table) == getattr(plain, table)
    assert not CandidateFolder.of(tmp_path / "p", 1).bars_path.exists()


def test_a_candidate_that_cannot_be_loaded_has_failed(tmp_path):
    def load(model):
        raise RunError("its checkpoint has other weights")

    played = retraining_play(tmp_path / "p", Script({}), load=load)
    assert stages(played)[:2] == ["candidate_began", "candidate_failed"]
    assert set(minutes_by_model(played).values()) == {FIRST.name}


def test_a_verdict_on_other_models_has_failed(tmp_path):
    class Forged(Script):
        def __call__(self, job, niceness):
            made = super().__call__(job, niceness)
            replace(verdict_of(job), beside="f" * 64).keep(job.folder.verdict_path)
            return made

    played = retraining_play(tmp_path / "p", Forged({}))
    (first, *_) = events_of(played, "candidate_failed")
    assert "its verdict is of other models" in first["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["candidate_began", "candidate_took_over", "candidate_refused"])
@pytest.mark.parametrize("point", ["before the commit", "after the commit"])
def test_a_session_killed_at_any_stage_goes_on_as_if_it_had_not_been(tmp_path, stage, point):
    end = {"low": 0.0} if stage == "candidate_refused" else {}
    through = retraining_play(tmp_path / "through", Script(end))
    telling = []

    class Telling(Retraining):
        def after_minute(self):
            for news in super().after_minute():
                telling.append(news.transaction.events[0][0])
                yield news
                telling.append("")

    def crash(at):
        if telling and (telling[-1], at) == (stage, point):
            telling[:] = [""]
            raise StorageError("killed")  # of which nothing is journaled

    with pytest.raises(StorageError):
        retraining_play(tmp_path / "p", Script(end), kind=Telling, crash=crash)
    again = retraining_play(tmp_path / "p", Script(end))
    assert stages(again) == stages(through)
    assert minutes_by_model(again) == minutes_by_model(through)
    for table in TABLES:
        assert getattr(again, table) == getattr(through, table)
