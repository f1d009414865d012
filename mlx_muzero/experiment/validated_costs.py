"""What a run earns on its validation split at the costs in force.

At the costs of its training, that is what chose it, and its journal knows. Whether it should trade
at others is asked of the same sessions, played once more (`mlx_muzero.evaluation.validated`) and
kept in the run's folder; later bars are for judging. Limits of size and time do not count: they
only leave trades out.
"""

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlx_muzero.evaluation.agent_policies import AGENT, SearchPolicy
from mlx_muzero.evaluation.backtest import Doing, backtest
from mlx_muzero.evaluation.rivals.chosen import SESSIONS
from mlx_muzero.evaluation.validated import Validated
from mlx_muzero.experiment.looks import record_evaluation
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.files.regular import write_text
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.kept_facts import DamagedFile, kept_facts
from mlx_muzero.trading.rules import ExposureLimit, TradingRules
from mlx_muzero.training.checkpoint import weights_sha256
from mlx_muzero.training.run import RunFolder
from mlx_muzero.types import Advance
from mlx_muzero.untrusted.shapes import Malformed, count, mapping, number, optional, record
from mlx_muzero.words import command

FILE = "validated.json"
_MOST_BYTES = 2**18
_MOST = 256
"""Kept; the oldest goes first."""

_CHOSE = record(
    {
        "sessions": count,
        "net_pips_per_session": number,
        "net_pips_low": optional(number),
        "net_pips_high": optional(number),
        "trades": count,
    }
)
"""Of the metrics of a validation in the journal."""

_KEPT = mapping(
    record(
        {
            "sessions": count,
            "net": number,
            "low": optional(number),
            "high": optional(number),
            "trades": number,
        }
    ),
    most=_MOST,
)


@dataclass(frozen=True)
class AtCosts:
    """What a checkpoint earns on the validation split at the costs in force.

    Attributes:
        found: that.
        trained: whether they are the costs of its training.
    """

    found: Validated
    trained: bool

    @property
    def telling(self) -> bool:
        """Whether whoever lets it trade should know: nobody has asked, or the answer is no."""
        return not self.trained or (self.found.trades > 0 and not self.found.earns)

    def words(self, unit: str) -> str:
        """That as a sentence."""
        costs = "the costs" if self.trained else "these costs, which are not those"
        flat = "" if self.found.earns else "; what chose it does not show that it should trade"
        return f"at {costs} of its training, on the validation split {self.found.words(unit)}{flat}"

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return asdict(self.found) | {"trained": self.trained}


def charged_alike(one: TradingRules, other: TradingRules) -> bool:
    """Whether trading costs the same by both, to nine digits."""
    return _charges(one) == _charges(other)


def validated_at_costs(
    run: TrainedRun,
    simulations: int,
    tick: Advance = lambda _count: None,
    doing: Doing = lambda _what, _total: None,
) -> AtCosts | None:
    """What `run` earns at the costs in force where it was chosen.

    None if those are the costs of its training, but no validation chose its checkpoint.

    Other costs are played at most once for a checkpoint and a number of simulations, at 256
    sessions, spread evenly.

    Args:
        run: loaded with its own bars.
        simulations: per decision.
        tick: called with the number of decisions made.
        doing: called with what begins and its number of decisions.
    """
    if charged_alike(run.rules, run.trained_rules):
        return chosen_by(run.folder, run.checkpoint)
    key = _key(run.folder, run.checkpoint, run.dataset.summary.digest, run.rules, simulations)
    kept = _kept(run.folder.path)
    if key in kept:
        return AtCosts(kept[key], trained=False)
    rules = _charged(run)
    agent = replace(run, rules=rules).agent()
    starts = run.dataset.evaluation_starts("validation", SESSIONS)
    decisions = len(starts) * run.dataset.config.session_bars
    doing("the validation split at these costs: decisions", decisions)
    policy = SearchPolicy(agent, simulations)
    played = backtest(policy, run.dataset, rules, starts, tick)
    record_evaluation(run, run.dataset, "validation", {AGENT: played})
    found = Validated.of([played])
    _keep(run.folder.path, kept | {key: found})
    return AtCosts(found, trained=False)


def chosen_by(folder: RunFolder, checkpoint: str) -> AtCosts | None:
    """What the validation that chose `checkpoint` found; None if none did."""
    metrics = chose = None
    try:
        told = list(journal.read(folder.journal_path))
    except OSError:  # a copy may lack it
        return None
    for event in told:
        if event["event"] == "validated" and event.get("best") is True:
            metrics = event.get("metrics")
        elif event["event"] == "saved" and event.get("checkpoint") == checkpoint:
            chose = metrics if event.get("best") is True else None
    try:
        facts = _CHOSE(chose)
    except Malformed:
        return None
    found = Validated(
        facts["sessions"],
        facts["net_pips_per_session"],
        facts["net_pips_low"],
        facts["net_pips_high"],
        facts["trades"],
    )
    return AtCosts(found, trained=True)


def advice(
    folder: RunFolder, checkpoint: str, rules: TradingRules, trained: TradingRules, simulations: int
) -> str | None:
    """What is known of a checkpoint at the costs of `rules`, or how to find out, in a sentence.

    None if it was chosen at these costs, and earns something at them.
    """
    if charged_alike(rules, trained):
        chosen = chosen_by(folder, checkpoint)
        return chosen.words(rules.unit) if chosen is not None and chosen.telling else None
    key = _key(folder, checkpoint, folder.market().digest, rules, simulations)
    found = _kept(folder.path).get(key)
    if found is not None:
        return AtCosts(found, trained=False).words(rules.unit)
    ask = command("evaluate", folder.path, *cost_options(rules), "--split", "validation")
    return (
        "it was never validated at these costs, which are not those of its training: "
        f"{ask} tells what it earns at them"
    )


def _charged(run: TrainedRun) -> TradingRules:
    """The rules under which `run` was chosen, at the costs in force."""
    rules, market = run.rules, run.dataset
    limit = ExposureLimit.of(run.config, len(market.symbols)) if market.in_step else None
    trained = replace(run.trained_rules, exposure_limit=limit)
    return replace(trained, costs=rules.costs, swap=rules.swap, funding=rules.funding)


def _charges(rules: TradingRules) -> str:
    charged = asdict(rules.costs), asdict(rules.swap), asdict(rules.funding)
    return json.dumps([_rounded(each) for each in charged], sort_keys=True, default=str)


def _rounded(facts: dict[str, Any]) -> dict[str, Any]:
    return {n: f"{v:.9g}" if isinstance(v, float) else v for n, v in facts.items()}


def cost_options(rules: TradingRules) -> list[str]:
    """Options of `evaluate` that charge as `rules` do, which are a paper session's."""
    costs, swap, funding = rules.costs, rules.swap, rules.funding
    settings = {
        "taker_fee_bps": costs.fill_bps,
        "swap_long_pips": swap.long_pips,
        "swap_short_pips": swap.short_pips,
        "funding_bps": funding.bps,
    }
    texts = {name: f"{value:.9g}" for name, value in settings.items() if value}
    if funding.times is not None:
        texts |= {"funding": funding.source, "funding_at": str(funding.times)}
    quoted = [] if costs.quoted else ["--cost", f"{costs.round_trip_pips:.9g}"]
    sets: Sequence[str] = [f"trading.{name}={text}" for name, text in texts.items()]
    return [*quoted, *(word for each in sets for word in ("--set", each))]


def _key(
    folder: RunFolder, checkpoint: str, bars: str, rules: TradingRules, simulations: int
) -> str:
    weights = weights_sha256(folder.checkpoints.folder / checkpoint)
    text = f"{weights} {bars} {simulations} {_charges(rules)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(run: Path) -> dict[str, Validated]:
    """What the folder `run` keeps; nothing if that is missing or damaged: it is played anew."""
    try:
        kept = kept_facts(run / FILE, _KEPT, _MOST_BYTES)
    except (FileNotFoundError, DamagedFile):
        return {}
    names = Validated.__dataclass_fields__
    return {key: Validated(**{name: facts[name] for name in names}) for key, facts in kept.items()}


def _keep(run: Path, kept: dict[str, Validated]) -> None:
    newest = list(kept.items())[-_MOST:]
    try:
        write_text(run / FILE, json.dumps({key: asdict(found) for key, found in newest}))
    except OSError as error:
        trouble = f"{run / FILE}: {error.strerror or error}"
        warnings.warn(f"what was validated will be played again: {trouble}", RuntimeWarning, 2)
