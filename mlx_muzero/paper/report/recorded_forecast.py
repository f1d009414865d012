"""How often what a session's decisions forecast of the next bar came, from their records."""

from collections.abc import Mapping

import numpy as np

from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.forecasts import OutcomeForecast, base_rates
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.report.recorded_pair import RecordedPair
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import Entry
from mlx_muzero.timeunits import MINUTE_NS

FORECASTS = 8192
"""Records that are read for a page, spread evenly over the session."""


def recorded_forecast(
    folder: PaperFolder, recorded: Mapping[str, RecordedPair], most: int = FORECASTS
) -> tuple[OutcomeForecast | None, str]:
    """Judge the chances of the next bar that the session recorded with its decisions.

    They are those after the action that was chosen. Base rates are those of the bars before the
    session.

    Args:
        folder: of the session.
        recorded: its pairs.
        most: records that are read.

    Returns:
        The quality of the forecasts, None where none was recorded, and what the reader has to know.
    """
    known = _followed(folder, recorded)
    chosen = [known[at] for at in spread_evenly(np.arange(len(known)), most).tolist()]
    chances, came = [], []
    for entry, outcome in chosen:
        try:
            record = decision_log.read(entry)
        except RunError:
            continue  # a damaged line: the note says how many
        expected = record.outcomes[record.action]
        if expected is not None and len(expected) == len(OUTCOME_NAMES):
            chances.append(expected)
            came.append(outcome)
    if not chances:
        return None, "No calibration: the session's records hold no chances of a bar that came."
    before = [pair.dataset.outcomes[: pair.history_bars] for pair in recorded.values()]
    outcomes = np.concatenate(before).astype(np.int64)
    rates = base_rates(outcomes[outcomes >= 0], len(OUTCOME_NAMES))
    found = OutcomeForecast.of(np.array(chances), np.array(came, np.int64), rates)
    return found, _note(len(known), len(chosen), len(chances))


def _followed(folder: PaperFolder, recorded: Mapping[str, RecordedPair]) -> list[tuple[Entry, int]]:
    """The recorded decisions after which another bar came, with its outcome, in time order."""
    found = []
    for day in decision_log.days(folder.decisions_path):
        for entry in decision_log.whole_index(day):
            pair = recorded.get(entry.pair)
            if pair is None:
                continue
            opens = pair.market.open_time_ns
            bar = int(np.searchsorted(opens, entry.close_ns - MINUTE_NS))
            if bar + 1 >= len(opens) or opens[bar] != entry.close_ns - MINUTE_NS:
                continue
            if pair.dataset.outcomes[bar + 1] >= 0:  # too few bars before: no threshold yet
                found.append((entry, int(pair.dataset.outcomes[bar + 1])))
    return found


def _note(known: int, read: int, told: int) -> str:
    text = "As recorded while trading, after the action that was chosen; base rates are those of "
    text += "the bars before the session."
    if read < known:
        text += f" Of {read:,} of {known:,} decisions, evenly spread."
    if told < read:
        text += f" {read - told:,} of them recorded no chances, or cannot be read."
    return text
