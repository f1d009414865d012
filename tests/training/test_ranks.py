"""Training in several processes: the same steps as one, and a clear end when one dies."""

import dataclasses
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import mlx.core as mx
import numpy as np
import pytest

from folders import HELPERS
from mlx_muzero.config import toml as config_toml
from mlx_muzero.errors import ConfigError, RankLost
from mlx_muzero.runlog import journal
from mlx_muzero.training import launch as launching
from mlx_muzero.training.checkpoint import Checkpoint, packed, unpacked
from mlx_muzero.training.launch import launch
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.run import RunFolder
from rank_program import learned

WITHOUT_GRADIENT = ("taps.bias", "encoder.output.bias", "running_mean", "attention.bias")
"""A bias before a batch norm or a softmax over bars: its gradient is rounding alone, which Adam
makes whole steps of, and `running_mean` follows it."""

PATH = os.pathsep.join([str(HELPERS.parent / "apps"), str(HELPERS)])


@pytest.fixture
def start_ranks(tmp_path):
    """Starts two processes of a command, as mlx.launch would."""
    started = []

    def start(*command):
        sockets = [socket.socket() for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        hosts = [[f"127.0.0.1:{each.getsockname()[1]}"] for each in sockets]
        for each in sockets:
            each.close()
        (tmp_path / "hosts.json").write_text(json.dumps(hosts))
        for rank in range(2):
            env = os.environ | {
                "MLX_HOSTFILE": str(tmp_path / "hosts.json"),
                "MLX_RANK": str(rank),
                "PYTHONPATH": PATH,
            }
            started.append(
                subprocess.Popen(
                    [sys.executable, *map(str, command)],
                    env=env,
                    cwd=tmp_path,
                    stderr=(tmp_path / f"rank{rank}.err").open("w"),
                )
            )
        return started

    yield start
    for process in started:
        process.kill()
        process.wait()


def said(tmp_path, rank):
    return (tmp_path / f"rank{rank}.err").read_text()


@pytest.fixture
def exact_config(small_config):
    """Without dropout, whose masks are each rank's own."""
    model = dataclasses.replace(small_config.model, dropout=0.0)
    return dataclasses.replace(small_config, model=model)


def random_arrays(config, rows):
    rng, unroll = np.random.default_rng(5), config.train.num_unroll_steps
    bars, actions = config.market.window_bars, 4
    valid = np.ones((rows, unroll + 1), np.float32)
    valid[: rows // 3, -1] = 0.0  # the ranks have different numbers of valid steps
    return {
        "observation": rng.normal(size=(rows, unroll + 1, bars, 15)).astype(np.float32),
        "action": rng.integers(0, actions, (rows, unroll)).astype(np.int32),
        "outcome": rng.integers(0, 3, (rows, unroll)).astype(np.int32),
        "reward": rng.normal(size=(rows, unroll)).astype(np.float32),
        "policy": rng.dirichlet(np.ones(actions), (rows, unroll + 1)).astype(np.float32),
        "value": rng.normal(0, 5, (rows, unroll + 1)).astype(np.float32),
        "afterstate_value": rng.normal(0, 5, (rows, unroll)).astype(np.float32),
        "valid": valid,
    }


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_with_the_doubled_batch(
    tmp_path, exact_config, start_ranks
):
    arrays = random_arrays(exact_config, 16)
    (tmp_path / "config.toml").write_text(config_toml.dumps(exact_config))
    np.savez(tmp_path / "batch.npz", **arrays)
    program = (HELPERS / "rank_program.py", tmp_path / "config.toml", tmp_path / "batch.npz")
    for process in start_ranks(*program, tmp_path):
        assert process.wait(60) == 0, said(tmp_path, 0) + said(tmp_path, 1)
    alone = learned(exact_config, arrays, Ranks())
    with np.load(tmp_path / "rank0.npz") as first, np.load(tmp_path / "rank1.npz") as second:
        for name, array in alone.items():
            np.testing.assert_array_equal(first[name], second[name], name)
            if name.endswith(WITHOUT_GRADIENT):
                continue
            # Adam moves a parameter by the learning rate however small its gradient, and rounding
            # is a large part of the smallest.
            atol = 0.1 * exact_config.train.learning_rate
            np.testing.assert_allclose(first[name], array, rtol=1e-4, atol=atol, err_msg=name)
    half = learned(exact_config, {name: array[:8] for name, array in arrays.items()}, Ranks())
    assert any(not np.allclose(half[name], alone[name], atol=1e-3) for name in alone)


def train_command(config_file, db, *more):
    return (
        "-m", "muzero_cli.main", "train", "--run", "run", "--config", config_file, "--db", db, *more
    )  # fmt: skip


@pytest.mark.slow
def test_a_lost_rank_ends_the_job_with_a_message_and_a_checkpoint(
    tmp_path, config_file, db, start_ranks, cli
):
    command = train_command(
        config_file, db,
        "--set", "train.episodes=100000", "--set", "train.checkpoint_interval=100000",
    )  # fmt: skip
    first, second = start_ranks(*command)
    folder = RunFolder(tmp_path / "run")
    wait_for(folder, "collected", first)
    second.send_signal(signal.SIGKILL)
    assert first.wait(30) == 13, said(tmp_path, 0)
    assert "one of the 2 processes that train together has died" in said(tmp_path, 0)
    events = list(journal.read(folder.journal_path))
    assert events[-1]["event"] == "rank_lost"
    assert events[-2]["event"] == "saved"
    assert events[-1]["episodes"] > 0
    assert folder.checkpoints.latest() is not None
    code, _, err = cli("train", "--run", "run", "--resume", "--minutes", "0")
    assert code == 0, err
    assert "saved after" in err


def wait_for(folder, event, process):
    for _ in range(600):
        if folder.journal_path.exists() and any(
            each["event"] == event for each in journal.read(folder.journal_path)
        ):
            return
        assert process.poll() is None, "the first rank ended"
        time.sleep(0.05)
    raise AssertionError(f"no {event} within 30 s")


@pytest.mark.slow
def test_two_ranks_train_to_the_end_and_one_stops_them_all(
    tmp_path, config_file, db, start_ranks, cli
):
    first, second = start_ranks(
        *train_command(config_file, db, "--set", "train.episodes=100000", "--phase", "all",
                       "--set", "train.supervised_episodes=4")
    )  # fmt: skip
    folder = RunFolder(tmp_path / "run")
    wait_for(folder, "validated", first)
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 130, said(tmp_path, 0)
    assert second.wait(30) == 0, said(tmp_path, 1)
    assert said(tmp_path, 1) == ""
    events = list(journal.read(folder.journal_path))
    assert [e["phase"] for e in events if e["event"] == "phase"] == [
        "world-model",
        "value",
        "search",
    ]
    assert events[-1]["event"] == "stopped"
    collected = [e["episodes"] for e in events if e["event"] == "collected"]
    assert collected[:2] == [4, 4]
    code, _, err = cli("evaluate", "run", "--split", "test", "--sessions", "2", "--db", db)
    assert code == 0, err


def test_mlx_launch_that_says_nothing_of_a_failure_is_not_believed(tmp_path, small_config):
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(RankLost, match="ended without a message; no checkpoint was written yet"):
        launch(folder, [sys.executable, "-c", "raise SystemExit(3)"], 2, None)


@pytest.fixture
def started(monkeypatch):
    """The command lines of mlx.launch, of which none is run."""
    heard = []

    class Ended:
        stdin = io.BytesIO()

        def __init__(self, command, **options):
            heard.append(command[1:])

        def wait(self):
            pass

    monkeypatch.setattr(launching.subprocess, "Popen", Ended)
    return heard


@pytest.mark.parametrize("backend", ["jaccl", "jaccl-ring"])
def test_macs_talk_over_thunderbolt_on_request(tmp_path, monkeypatch, started, backend):
    asked = []
    monkeypatch.setattr(mx.distributed, "is_available", lambda name: not asked.append(name))
    with pytest.raises(RankLost):
        launch(RunFolder(tmp_path / "run"), ["train"], None, tmp_path / "macs.json", backend)
    hosts = ["--hostfile", str(tmp_path / "macs.json")]
    assert started == [["--backend", backend, *hosts, "--", "train"]]
    assert asked == ["jaccl"]


@pytest.mark.parametrize(
    ("ranks", "hosts", "way_on"), [(2, None, "--hostfile"), (None, "macs.json", "macOS 26.2")]
)
def test_without_rdma_thunderbolt_is_refused(tmp_path, monkeypatch, started, ranks, hosts, way_on):
    monkeypatch.setattr(mx.distributed, "is_available", lambda name: False)
    with pytest.raises(ConfigError, match=way_on):
        launch(RunFolder(tmp_path), ["train"], ranks, hosts and tmp_path / hosts, "jaccl")
    assert started == []


def test_ranks_that_cannot_reach_each_other_by_rdma_do_not_train_alone(monkeypatch):
    monkeypatch.setenv("MLX_JACCL_COORDINATOR", "127.0.0.1:1")
    with pytest.raises(RankLost, match="cannot reach the others by RDMA"):
        Ranks.join()


@pytest.mark.parametrize("of", ["[ring]", "[jaccl]"])
def test_an_error_of_the_connection_is_a_lost_rank(of):
    ranks = Ranks()
    ranks.size = 2
    lost = f"2 processes .*{re.escape(of)} Sending failed"
    with pytest.raises(RankLost, match=lost), ranks.together():
        raise RuntimeError(f"{of} Sending failed")
    with pytest.raises(RuntimeError, match="no memory"), ranks.together():
        raise RuntimeError("no memory")


def test_waiting_for_the_ranks_leaves_the_processor_to_them(tmp_path):
    before = os.times()
    with pytest.raises(RankLost):
        launch(
            RunFolder(tmp_path / "run"),
            [sys.executable, "-c", "import time; time.sleep(2)"],
            2,
            None,
        )
    after = os.times()
    spent_s = sum(after[2:4]) - sum(before[2:4])
    assert spent_s < 0.5


@pytest.mark.slow
def test_the_verb_starts_the_ranks(tmp_path, config_file, db):
    done = subprocess.run(
        [sys.executable, *map(str, train_command(
            config_file, db, "--ranks", "2", "--set", "train.episodes=4"
        ))],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": PATH},
        stderr=subprocess.PIPE, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "finished in every process" in done.stderr
    assert [e["event"] for e in journal.read(tmp_path / "run" / "journal.jsonl")][-1] == "finished"


def test_what_cannot_be_shared_evenly_is_refused():
    class Pair(Ranks):
        def __init__(self):
            super().__init__()
            self.size = 2

    assert Pair().share(8, "train.batch_size") == 4
    with pytest.raises(ConfigError, match=r"train\.batch_size: 9"):
        Pair().share(9, "train.batch_size")


def test_a_checkpoint_sent_is_the_checkpoint_received():
    sent = Checkpoint(
        weights={"a.b": mx.array([1.5, 2.0])},
        optimizer={"step": mx.array(3, mx.uint32)},
        replay={"start": np.array([7], np.int64)},
        state={"counters": {"episodes": 2}},
    )
    received = unpacked(packed(sent))
    assert received.state == sent.state
    np.testing.assert_array_equal(received.replay["start"], sent.replay["start"], strict=True)
    assert received.optimizer["step"].dtype == mx.uint32
    assert received.weights["a.b"].tolist() == [1.5, 2.0]
