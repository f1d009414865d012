"""When a policy decides over the recorded bars of a pair, and what becomes of an order sent then.

Neither depends on what the policy does, so both are known of every minute before it plays.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mlx_muzero.paper.fills import earliest_open_ns, latest_open_ns
from mlx_muzero.paper.report.recorded_pair import RecordedPair
from mlx_muzero.paper.settings import FillSettings
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64, Bool


@dataclass(frozen=True, eq=False)
class OrderTimes:
    """D decisions over the N bars of a session, counted from its first bar.

    Attributes:
        marked: ``i64[M]`` bars that have closed by the end of each minute.
        bar: ``i64[D]`` last bar known at each decision.
        ends: ``i64[D]`` bar at which an order sent then is filled or expires; N if neither.
        fills: ``bool[D]`` whether it is filled there.
    """

    marked: I64
    bar: I64
    ends: I64
    fills: Bool

    @classmethod
    def of(cls, recorded: RecordedPair, close_ns: I64, settings: FillSettings) -> Self:
        """Those of orders that are sent at the ends of minutes, `close_ns` ``i64[M]``.

        A minute without a new bar is not decided on.
        """
        opens = recorded.session.open_time_ns
        marked = np.searchsorted(opens + MINUTE_NS, close_ns, side="right")
        marked = np.maximum.accumulate(marked)
        decided = np.flatnonzero(np.diff(marked, prepend=0))
        bar, sent_ns = marked[decided] - 1, close_ns[decided]
        first_priced = 0
        if recorded.rules.costs.quoted:
            priced = np.flatnonzero(~np.isnan(recorded.session_spread))
            first_priced = int(priced[0]) if len(priced) else len(opens)
        in_time = np.searchsorted(opens, earliest_open_ns(sent_ns, settings))
        too_late = np.searchsorted(opens, latest_open_ns(sent_ns, settings), side="right")
        filled_at = np.maximum(np.maximum(in_time, first_priced), bar + 1)
        expires_at = np.maximum(too_late, bar + 1)
        return cls(marked, bar, np.minimum(filled_at, expires_at), filled_at < expires_at)
