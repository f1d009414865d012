"""A made-up training run: journal and decisions in the trainer's format, the same every time."""

import math
from datetime import UTC, datetime, timedelta

from mlx_muzero.runlog.journal import Journal
from paper_journals import append_decision

START = datetime(2026, 1, 4, 12, tzinfo=UTC)


def training_run(folder, rounds=48, config="", levels=None, lift=0.0):
    """The folder and a clock that stands at its last event."""
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(config)
    now = [START]
    journal = Journal(folder / "journal.jsonl", lambda: now[0])
    journal.append(
        "started", pid=1, symbol="EURUSD", unit="pips", actions=["HOLD", "BUY", "SELL", "CLOSE"],
        outcomes=["UP", "NEUTRAL", "DOWN"], episodes_due=2000, replay_capacity=1000,
        min_trade_frac=0.3, backend="native",
    )  # fmt: skip
    if levels:
        journal.append("levels", net_pips_per_session=levels)
    for number in range(1, rounds + 1):
        now[0] += timedelta(seconds=16)
        journal.append(
            "collected", episodes=16 * number, decisions_per_s=1821.5, reward_mean=-1.5,
            actions={"HOLD": 2900 + 20 * number, "BUY": 900, "SELL": 850, "CLOSE": 1110},
            alarm="notice" if number < 40 else "warning", trade_frac=0.25 + number / 400,
            replay_episodes=16 * number, memory_mb=812.4, temperature=1.0 - number / 100,
            backend="native", weights_steps=32 * number,
        )  # fmt: skip
        for step in (20, 40):
            fall = math.exp(-(number + step / 40) / 20)
            losses = {"policy": 0.6 + fall, "value": 1 + 2 * fall, "reward": fall, "outcome": 1.05,
                      "afterstate": 1.2 + fall, "consistency": 0.2}  # fmt: skip
            journal.append(
                "learned", steps=40 * (number - 1) + step, losses=losses, total=2 + 3 * fall,
                gradient_norm=0.5 + fall, overflow_frac=0.0, steps_per_s=11.8,
            )  # fmt: skip
        if number % 8 == 0:
            pips = lift + 4 * math.sin(number / 12)
            journal.append(
                "validated", episodes=16 * number, steps=40 * number, best=number in (8, 16, 24),
                metrics={"expectancy_pips": pips, "win_frac": 0.5 + pips / 40, "trades": 210,
                         "net_pips_per_session": 4 * pips, "sqn": pips / 2},
                forecast={"predicted": [0.36, 0.3, 0.34], "realized": [0.33, 0.31, 0.36],
                          "calibration": [{"predicted": 0.16, "observed": 0.14, "count": 40},
                                          {"predicted": 0.25, "observed": 0.27, "count": 300},
                                          {"predicted": 0.34, "observed": 0.33, "count": 900},
                                          {"predicted": 0.44, "observed": 0.48, "count": 296}],
                          "calibration_error": 0.021},
            )  # fmt: skip
            journal.append("saved", checkpoint=f"{number // 8:06d}-episode-{16 * number:06d}",
                           best=number in (8, 16, 24))  # fmt: skip
            close_ns = int(START.timestamp()) * 10**9 + number * 60 * 10**9
            append_decision(folder / "decisions", "EURUSD", close_ns, episodes=16 * number)
    return folder, lambda: now[0]
