"""A run's folder, and what ties its checkpoints to the market and the program (ADR 20)."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.choices import ExportFormat, FillAt
from mlx_muzero.config.recorded import config_of_run
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import read_text, write_text
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.coverage import Coverage
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import Period
from mlx_muzero.market.observation.context import as_spelled_now
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.run_folder import RunFolderBase
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.env import observation_features
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.training.checkpoint import CheckpointStore
from mlx_muzero.untrusted.json_values import parsed

BACKEND_SETTLED = "backend_settled"
"""The event before the first "started" of a run whose backends were left to a measurement."""

_TURNS = ("started", "finished")
"""Events that show whether there is something left to do."""


@dataclass(frozen=True)
class MarketRecord:
    """The bars a run was trained on.

    Attributes:
        store: path of the bar store.
        symbol: its symbol, or several.
        bars: number of bars.
        first_ns: open of the earliest bar.
        last_ns: open of the latest bar.
        digest: SHA-256 over times, closes and any observed columns that do not follow from those,
            for these bars only, whatever else the store holds.
        coverage: what those bars contained; None in a record of 0.1.0.
        spans_ns: opens of the first and last bar by symbol; absent in a record of 0.1.0, whose
            pairs are assumed to span the whole period.
        series_from_ns: earliest point by symbol and series; None in a record of 0.1.0.
        opens_digest: SHA-256 over the opens; None in a record of a build whose fills were all at
            the close.
        quotes_digest: SHA-256 over the quoted spreads; None unless fills pay them.
    """

    store: str
    symbol: str
    bars: int
    first_ns: int
    last_ns: int
    digest: str
    coverage: Coverage | None = None
    spans_ns: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    series_from_ns: Mapping[str, Mapping[str, int]] | None = None
    opens_digest: str | None = None
    quotes_digest: str | None = None

    @classmethod
    def of(cls, store: Path, dataset: MarketDataset) -> "MarketRecord":
        """Record `dataset` as loaded from `store`."""
        summary = dataset.summary
        return cls(
            store=str(store),
            symbol=dataset.label,
            bars=len(dataset.close),
            first_ns=int(dataset.open_time_ns.min()),
            last_ns=int(dataset.open_time_ns.max()),
            digest=summary.digest,
            coverage=Coverage.of(dataset),
            spans_ns=dataset.spans_ns,
            series_from_ns=dataset.series_from_ns,
            opens_digest=summary.opens_digest,
            quotes_digest=summary.quotes_digest,
        )

    @classmethod
    def from_dict(cls, facts: Any) -> "MarketRecord":
        """Inverse of `dataclasses.asdict`, through JSON; also reads a record of 0.1.0.

        Raises:
            ValueError, TypeError, AttributeError: it is not a valid record.
        """
        coverage = facts.get("coverage")
        held = None if coverage is None else Coverage.from_dict(coverage)
        record = cls(**facts | {"coverage": held})
        wanted = {"store": str, "symbol": str, "bars": int, "first_ns": int, "last_ns": int}
        for name, kind in (wanted | {"digest": str}).items():
            if type(getattr(record, name)) is not kind:
                raise ValueError(f"{name} is {getattr(record, name)!r}")
        if not record.store.isprintable():
            raise ValueError(f"store is {record.store!r}")
        for name in ("opens_digest", "quotes_digest"):
            if type(getattr(record, name)) not in (str, type(None)):
                raise ValueError(f"{name} is {getattr(record, name)!r}")
        spans = {str(symbol): _span(span) for symbol, span in dict(record.spans_ns).items()}
        if record.series_from_ns is None:
            return replace(record, spans_ns=spans)
        begun = {
            str(symbol): {str(name): int(first) for name, first in dict(of_symbol).items()}
            for symbol, of_symbol in dict(record.series_from_ns).items()
        }
        return replace(record, spans_ns=spans, series_from_ns=begun)

    def period(self, symbol: str) -> Period:
        """The period of `symbol` that these bars cover."""
        first_ns, last_ns = self.spans_ns.get(symbol, (self.first_ns, self.last_ns))
        begun = None if self.series_from_ns is None else self.series_from_ns.get(symbol, {})
        return Period(first_ns, last_ns + MINUTE_NS, begun)

    def require(self, market: "MarketRecord", path: Path, fill: FillAt) -> None:
        """Raise RunError unless `market`, of this period, holds the bars of the run at `path`.

        Opens count only where `fill` makes them prices of fills.
        """
        opens_differ = fill == "next_open" and self.opens_digest != market.opens_digest
        quotes_differ = self.quotes_digest != market.quotes_digest
        if self.digest != market.digest or opens_differ or quotes_differ:
            raise RunError(
                f"{path} was trained on {self.bars:,} bars of {self.symbol}, {self.days}, but "
                f"{market.store} now holds {market.bars:,} different ones for that period. "
                "Restore that store, or start a new run."
            )

    @property
    def end_ns(self) -> int:
        """When the latest bar closes."""
        return self.last_ns + MINUTE_NS

    @property
    def days(self) -> str:
        """First and last time, in words."""
        return f"{utc_text(self.first_ns)} to {utc_text(self.last_ns)} UTC"


def _span(span: Any) -> tuple[int, int]:
    first_ns, last_ns = map(int, span)
    return first_ns, last_ns


class RunFolder(RunFolderBase):
    """``runs/<name>/``: config.toml, market.json, journal.jsonl, lock and these folders.

    ``checkpoints/``, ``decisions/`` with trees, ``export/`` and ``export-coreai/``, and
    ``collector/``, which holds the collector's programs while they play. On a Mac
    ``background-exports/`` may hold other exports, by weights.
    """

    contents, doing = "training run", "trained"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.checkpoints = CheckpointStore(path / "checkpoints")
        self.export_paths: dict[ExportFormat, Path] = {
            "coreml": path / "export",
            "coreai": path / "export-coreai",
        }
        self.collector_path = path / "collector"
        self.background_exports_path = path / "background-exports"
        self._market_path = path / "market.json"

    @property
    def backend_left_open(self) -> bool:
        """Whether the run was started with ``search.backend = "auto"``, as its journal tells."""
        if not self.journal_path.exists():
            return False
        told = (event["event"] for event in journal.read(self.journal_path))
        return BACKEND_SETTLED in takewhile(lambda event: event != "started", told)

    @property
    def finished(self) -> bool:
        """Whether the last process completed the run, so that nothing is left to do."""
        if not self.journal_path.exists():
            return False
        told = [event["event"] for event in journal.read(self.journal_path)]
        return [event for event in told if event in _TURNS][-1:] == ["finished"]

    def begin(self, config: Config, market: MarketRecord) -> None:
        """Create the folder of a new run."""
        self.require_new()
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self._market_path, json.dumps(asdict(market), indent=1))
        self.mark(config_toml.dumps(config))

    def config(self) -> Config:
        """The configuration the run was started with."""
        if not self.exists:
            raise self.missing
        return config_of_run(self.mark_path)

    def market(self) -> MarketRecord:
        """The market the run was started with."""
        try:
            return MarketRecord.from_dict(parsed(read_text(self._market_path)))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise RunError(f"{self._market_path}: cannot read it ({error}).") from error

    def require_market(self, market: MarketRecord) -> None:
        """Raise RunError unless `market` holds the bars the run was started with.

        `market` covers the run's own period; what the store holds before and after it does not
        matter. Completes a record of 0.1.0.
        """
        begun = self.market()
        begun.require(market, self.path, self.config().trading.fill)
        if not begun.spans_ns and os.access(self.path, os.W_OK):
            completed = replace(market, store=begun.store)
            write_text(self._market_path, json.dumps(asdict(completed), indent=1))


def schema(config: Config, table: ActionTable) -> dict[str, Any]:
    """Names whose order the weights depend on, stored in every checkpoint."""
    return {
        "features": list(observation_features(config)),
        "actions": list(table.action_names),
        "outcomes": list(OUTCOME_NAMES),
    }


def require_schema(state: dict[str, Any], config: Config, table: ActionTable, path: Path) -> None:
    """Raise RunError unless a checkpoint's `state` matches the names of this configuration."""
    for kind, names in schema(config, table).items():
        kept = state.get(kind)
        if not isinstance(kept, list) or [as_spelled_now(str(name)) for name in kept] != names:
            raise RunError(
                f"{path}: its {kind} are {kept}, but this version of mlx_muzero has "
                f"{names}. Use the version that wrote it."
            )


def misfit(path: Path, error: Exception) -> RunError:
    """The error for a checkpoint at `path` whose arrays do not fit the configuration."""
    reason = str(error).splitlines()[0]
    return RunError(
        f"{path} does not fit the run's config.toml ({reason}). Restore the model and replay "
        "settings it was written with."
    )
