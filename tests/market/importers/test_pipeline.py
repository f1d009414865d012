"""The job of an import: it asks a content for what differs, and does all or nothing with it."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import Choices, pipeline
from mlx_muzero.market.importers.content import Merged, SymbolPart
from mlx_muzero.market.importers.rejects import RejectedRows
from mlx_muzero.market.importers.report import CONFLICT_ALWAYS_ALLOWED
from mlx_muzero.market.series import FUNDING_RATE, Series
from mlx_muzero.market.store.bar_store import BarStore

SETTLED = np.array([3_600_000_000_000])


@dataclass
class FakeContent:
    """Neither bars nor series of a file: one point, and whatever is to be said of it."""

    merged: Merged
    format: str = "fake"
    unit: str = "points"
    symbols: tuple[str, ...] = ("BTCUSDT",)
    series: tuple[str, ...] = (FUNDING_RATE,)
    merges: list[int] = field(default_factory=list)

    def held_clock(self, earlier):
        return earlier["BTCUSDT"].clock if "BTCUSDT" in earlier else None

    def merge(self, store):
        self.merges.append(1)
        store.write_series(Series("BTCUSDT", FUNDING_RATE, SETTLED, SETTLED, np.array([1e-4])))
        return self.merged


MERGED = Merged(
    clock="UTC",
    parts=[SymbolPart("BTCUSDT", 5, 2, 1, 10, 20)],
    rows=5,
    rejected=RejectedRows(2),
    inserted=1,
    stored=3,
    repeats=1,
    conflicts=0,
    replaced=0,
    notes=["a note"],
)


@pytest.fixture
def store(tmp_path):
    with BarStore(tmp_path / "market.duckdb") as store:
        yield store


@pytest.fixture
def imported(store, tmp_path, monkeypatch):
    """Imports one file whose content is given."""
    path = tmp_path / "file"
    path.write_text("anything")

    def run(content, **options):
        monkeypatch.setattr(pipeline, "open_content", lambda *_: content)
        return pipeline.import_file(store, path, **options)

    return run


def test_what_a_content_merged_is_recorded_and_reported(store, imported):
    report = imported(FakeContent(MERGED))
    (record,) = store.imports()
    assert (record.symbol, record.format, record.clock) == ("BTCUSDT", "fake", "UTC")
    assert (record.rows, record.rejected, record.repeats) == (5, 2, 1)
    assert (report.inserted, report.duplicates, report.rejected_count) == (1, 4, 2)
    assert (report.first_ns, report.last_ns, report.notes) == (10, 20, ("a note",))
    assert report.series == (FUNDING_RATE,)


def test_a_file_that_is_held_is_not_merged_again_unless_it_is_to_replace(store, imported):
    content = FakeContent(MERGED)
    imported(content)
    assert imported(content).already_imported
    assert len(content.merges) == 1
    assert not imported(content, choices=Choices(replace=True)).already_imported
    assert len(content.merges) == 2
    (record,) = store.imports()
    assert record.accepted == ("--replace: 0 stored points replaced",)


@pytest.mark.parametrize("conflicts", [CONFLICT_ALWAYS_ALLOWED, CONFLICT_ALWAYS_ALLOWED + 1])
def test_too_many_conflicts_undo_the_whole(store, imported, conflicts):
    content = FakeContent(replace(MERGED, conflicts=conflicts, conflicts_at=" (first at noon)"))
    if conflicts == CONFLICT_ALWAYS_ALLOWED:
        assert imported(content).conflicts == conflicts
        return
    with pytest.raises(DataError, match=r"11 of 14 points already stored differ \(first at noon\)"):
        imported(content)
    assert not store.series()
    assert not store.imports()
