"""A decision recorded from a batched search: the right root's numbers, and its tree."""

from types import SimpleNamespace

import numpy as np

from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.searched_decision import decision_record

# A root, the chance node of action 1, and the decision node after its outcome 0.
TREE = {
    "node": [0, 1, 2], "parent": [-1, 0, 1], "kind": [0, 1, 0], "action_or_outcome": [-1, 1, 0],
    "prior": [1.0, 0.5, 0.25], "visits": [3, 2, 1], "value": [0.1, 0.2, 0.3],
    "reward": [0.0, 0.0, 0.5], "depth": [0, 0, 1], "probability": [1.0, 1.0, 0.25],
}  # fmt: skip


def test_a_record_is_of_its_root_and_survives_the_log(tmp_path):
    result = SimpleNamespace(
        action=np.array([0, 1]),
        prior=np.array([[1.0, 0.0], [0.25, 0.75]], np.float32),
        visits=np.array([[3, 0], [1, 2]], np.int32),
        q=np.array([[0.0, 0.0], [0.5, -0.5]], np.float32),
        value=np.array([9.0, 0.125], np.float32),
        raw_value=np.array([9.0, 0.375], np.float32),
    )
    record = decision_record(
        result,
        1,
        TREE,
        close_ns=120 * 10**9,
        pair="USDJPY",
        episodes=None,
        action_names=("HOLD", "BUY"),
        outcome_names=("UP", "DOWN"),
        position="FLAT",
        threshold_pips=1.5,
        latency_ms=2.0,
    )
    assert (record.action, record.prior, record.visits) == (1, [0.25, 0.75], [1, 2])
    assert (record.q, record.value, record.network_value) == ([0.5, -0.5], 0.125, 0.375)
    assert record.outcomes == [None, [0.25, 0.0]]
    assert record.tree["edge"] == TREE["action_or_outcome"]
    decision_log.append(tmp_path, record)
    (day,) = decision_log.days(tmp_path)
    (entry,), _ = decision_log.index(day)
    assert decision_log.read(entry) == record
