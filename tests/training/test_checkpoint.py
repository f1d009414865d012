"""Checkpoints: whole or absent after a kill at any point, few, and refused when they do not fit."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile

import mlx.core as mx
import numpy as np
import pytest

from folders import HELPERS
from markets import walk_bars
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.errors import RunError
from mlx_muzero.files.digests import SUMS, write_sums
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training import checkpoint as checkpoints
from mlx_muzero.training.checkpoint import Checkpoint, CheckpointStore, load, load_weights
from mlx_muzero.training.models import load_model
from mlx_muzero.training.run import MarketRecord, RunFolder, require_schema, schema
from runs import assert_same_run, at_poll, everything, make_trainer, ran_through


def tiny(number=0):
    return Checkpoint(
        weights={"w": mx.array([float(number)])},
        optimizer={"step": mx.array(number)},
        replay={"start": np.arange(number)},
        state={"counters": {"episodes": number}},
    )


def names(store):
    return sorted(path.name for path in store.folder.iterdir())


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    path = CheckpointStore(tmp_path).save("000001", tiny(5), best=False)
    loaded = checkpoints.load(path)
    assert loaded.weights["w"].tolist() == [5.0]
    assert loaded.optimizer["step"].item() == 5
    np.testing.assert_array_equal(loaded.replay["start"], np.arange(5))
    assert loaded.state["counters"] == {"episodes": 5}


def test_kept_are_the_newest_two_and_the_best(tmp_path):
    store = CheckpointStore(tmp_path)
    assert store.latest() is store.best() is None
    for number in range(1, 7):
        store.save(f"{number:06d}", tiny(number), best=number in (1, 2))
    assert names(store) == ["000002", "000005", "000006"]
    assert store.latest().name == "000006"
    assert store.best().name == "000002"
    store.save("000007", tiny(7), best=True)
    assert names(store) == ["000006", "000007"]
    assert store.best().name == "000007"


def test_what_a_killed_save_left_behind_does_not_matter_and_goes(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save("000001", tiny(1), best=True)
    for name in ("000002.partial", "000009.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.safetensors").write_bytes(b"half")
    assert store.latest().name == "000001"
    assert store.best().name == "000001"
    store.save("000002", tiny(2), best=False)
    assert names(store) == ["000001", "000002"]


def test_removing_the_newest_goes_back_to_the_one_before_with_its_best(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save("000001", tiny(1), best=True)
    newest = store.save("000002", tiny(2), best=True)
    for file in newest.iterdir():
        file.unlink()
    newest.rmdir()
    assert store.latest().name == store.best().name == "000001"


def test_where_the_best_is_gone_the_latest_plays_and_that_is_told(tmp_path, caplog):
    """As after the newest, damaged, was removed: the one before names a best of before that."""
    store = CheckpointStore(tmp_path)
    store.save("000001", tiny(1), best=True)
    store.save("000002", tiny(2), best=False)
    assert store.best().name == "000001"
    assert not caplog.records
    shutil.rmtree(tmp_path / "000001")
    assert store.best().name == "000002"
    assert "checkpoint 000001, the best by validation, is missing" in caplog.text


KILLS = [
    ("os.rename", 1),  # the first checkpoint is written, but does not count yet
]
MORE_KILLS = [
    ("open", 20),  # the second, while its files are written
    ("os.rmdir", 1),  # one that is no longer kept has been emptied
    ("os.mkdir", 3),
    ("os.rename", 3),
    *(("open", n) for n in (1, 2, 3, 7, 11, 13, 14, 15, 33)),
]


@pytest.mark.parametrize(
    ("event", "number"),
    [*KILLS, *(pytest.param(*kill, marks=pytest.mark.slow) for kill in MORE_KILLS)],
)
def test_a_run_killed_while_it_saves_goes_on_as_if_nothing_had_happened(
    tmp_path, small_config, small_dataset, tmp_path_factory, event, number
):
    folder = RunFolder(tmp_path)
    folder.begin(small_config, MarketRecord.of(tmp_path / "none.duckdb", small_dataset))
    killed = subprocess.run(
        [sys.executable, HELPERS / "killed_run.py", tmp_path, event, str(number)],
        check=False,
        env=os.environ | {"PYTHONPATH": str(HELPERS)},
    )
    assert killed.returncode == -signal.SIGKILL
    latest = folder.checkpoints.latest()
    if latest is not None:
        checkpoints.load(latest)
    resumed = make_trainer(tmp_path, small_config, small_dataset)
    assert (resumed.counters.steps > 0) == (latest is not None)
    assert resumed.run()
    reference = ran_through(small_config, tmp_path_factory.getbasetemp() / "uninterrupted")
    assert_same_run(everything(resumed), everything(reference))
    for which in ("best", "latest"):
        ours, its = (getattr(f.checkpoints, which)() for f in (folder, reference.folder))
        # The number in front counts saves, and a stop adds one.
        assert ours.name.partition("-")[2] == its.name.partition("-")[2]
    assert not list(folder.checkpoints.folder.glob("*.partial"))


@pytest.fixture(scope="module")
def begun_once(tmp_path_factory, small_config):
    folder = tmp_path_factory.mktemp("begun")
    dataset = MarketDataset.from_bars(walk_bars(1500), small_config.market)
    assert not make_trainer(folder, small_config, dataset, at_poll(2)).run()
    return folder


@pytest.fixture
def begun(begun_once, tmp_path):
    """A run folder with one checkpoint."""
    return RunFolder(shutil.copytree(begun_once, tmp_path, dirs_exist_ok=True))


@pytest.mark.parametrize(
    "file", ["weights.safetensors", "optimizer.safetensors", "replay.npz", "state.json"]
)
@pytest.mark.parametrize("damage", ["cut", "gone", "garbage"])
def test_a_damaged_checkpoint_is_named_with_what_to_do(
    begun, small_config, small_dataset, file, damage
):
    path = begun.checkpoints.latest()
    data = (path / file).read_bytes()
    (path / file).unlink()
    if damage != "gone":
        kept = data[: len(data) // 2] if damage == "cut" else bytes(reversed(data))
        (path / file).write_bytes(kept)
    with pytest.raises(RunError, match=rf"{path.name}: cannot read .* no other checkpoint"):
        make_trainer(begun.path, small_config, small_dataset)


@pytest.mark.parametrize(
    ("damaged", "way_on"),
    [
        ("000003", r"to resume from the checkpoint before it, 000002\."),
        ("000001", r"and the latest checkpoint, 000003, counts as the best\."),
    ],
)
def test_the_way_on_without_a_checkpoint_is_the_right_one(tmp_path, damaged, way_on):
    store = CheckpointStore(tmp_path)
    for number in (1, 2, 3):
        store.save(f"{number:06d}", tiny(number), best=number == 1)
    (tmp_path / damaged / "weights.safetensors").write_bytes(b"?")
    with pytest.raises(RunError, match=rf"{damaged}: cannot read .* Remove that folder,? {way_on}"):
        load_weights(tmp_path / damaged)
    shutil.rmtree(tmp_path / damaged)
    assert store.latest().name in way_on


@pytest.mark.parametrize("kind", [mx.int8, mx.float16, mx.bfloat16, mx.uint32])
@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors"])
def test_weights_that_were_quantized_later_are_refused(begun, file, kind):
    path = begun.checkpoints.latest()
    (path / SUMS).unlink()  # as in a checkpoint of 0.1.0
    tensors = mx.load(str(path / file))
    name = next(name for name, array in tensors.items() if array.dtype == mx.float32)
    mx.save_safetensors(str(path / file), tensors | {name: tensors[name].astype(kind)})
    with pytest.raises(RunError, match=rf"{file} holds {name} as {str(kind)[9:]}, but"):
        load(path)


FILES = ["weights.safetensors", "optimizer.safetensors", "replay.npz", "state.json"]


@pytest.mark.parametrize("file", FILES)
def test_one_flipped_bit_is_refused_and_the_file_named(begun, small_config, small_dataset, file):
    path = begun.checkpoints.latest()
    data = bytearray((path / file).read_bytes())
    data[len(data) // 2] ^= 1
    (path / file).write_bytes(data)
    with pytest.raises(RunError, match=rf"{path.name}: .*{file} has changed"):
        make_trainer(begun.path, small_config, small_dataset)


def respelled(path, change):
    """`change` made to the checkpoint at `path` by somebody who knows of digests."""
    change(path)
    write_sums(path, FILES)


def of_counters(**facts):
    def work(path):
        state = json.loads((path / "state.json").read_text())
        state["counters"] |= facts
        (path / "state.json").write_text(json.dumps(state))

    return work


def of_npz(header, method=zipfile.ZIP_STORED):
    def work(path):
        array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        with zipfile.ZipFile(path / "replay.npz", "w", method) as archive:
            archive.writestr("serial.npy", array)

    return work


def of_size(size):
    return f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({size},)}}\n".encode()


HOSTILE = {
    "an array of terabytes": of_npz(of_size(10**12)),
    "an array beyond all": of_npz(of_size(2**62)),
    "an array of less than nothing": of_npz(of_size(-1)),
    "a header without end": of_npz(b"(" * 9000),
    "a header of objects": of_npz(of_size(1).replace(b"<f8", b"|O")),
    "packed": of_npz(of_size(0), zipfile.ZIP_DEFLATED),
    "one array": lambda path: np.save((path / "replay.npz").open("wb"), np.zeros(3)),
    "counters of texts": of_counters(episodes="many"),
    "counters of nothing": of_counters(steps=None),
    "counters below nothing": of_counters(steps=-5),
    "counters of parts": of_counters(saves=2.5),
    "counters without bound": of_counters(episodes=10**30),
    "counters at infinity": of_counters(saved_at=float("inf")),
    "a best of texts": of_counters(best_pips="high"),
    "a phase of lists": of_counters(phase=["search"]),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_checkpoint_of_a_stranger_is_refused_with_its_name(
    begun, small_config, small_dataset, change
):
    path = begun.checkpoints.latest()
    respelled(path, change)
    with pytest.raises(RunError, match=path.name):
        make_trainer(begun.path, small_config, small_dataset)


def test_digests_can_be_checked_by_hand(begun):
    path = begun.checkpoints.latest()
    tool = ["sha256sum"] if shutil.which("sha256sum") else ["shasum", "-a", "256"]
    checked = subprocess.run(
        [*tool, "--check", "SHA256SUMS"], cwd=path, capture_output=True, text=True, check=True
    )
    assert checked.stdout.splitlines() == [f"{file}: OK" for file in sorted(FILES)]


def test_digests_that_an_earlier_build_did_not_keep_are_added_and_not_demanded(
    begun, small_config, small_dataset
):
    path = begun.checkpoints.latest()
    (path / "SHA256SUMS").unlink()
    assert load_model(begun, TradingRules().table, "latest")[1] == path.name
    assert not (path / "SHA256SUMS").exists()
    make_trainer(begun.path, small_config, small_dataset)
    assert (path / "SHA256SUMS").exists()
    checkpoints.load(path)


def test_what_is_no_checkpoint_is_neither_latest_nor_deleted(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save("000001-episode-000000", tiny(1), best=True)
    others = ["zz-notes", "000009-episode-000900 copy", "notes.partial", "000009", "lib"]
    for name in others[:3]:
        shutil.copytree(tmp_path / "000001-episode-000000", tmp_path / name)
    (tmp_path / "000009").write_text("a file")
    (tmp_path / "lib").symlink_to(tmp_path / "zz-notes")
    assert store.latest().name == "000001-episode-000000"
    for number in range(2, 5):
        store.save(f"{number:06d}-episode-000000", tiny(number), best=True)
    kept = ["000003-episode-000000", "000004-episode-000000"]
    assert names(store) == sorted([*kept, *others])


def rewrite_state(path, **changes):
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps(state | changes))
    (path / "SHA256SUMS").unlink()


def test_another_format_is_refused_with_both_numbers(begun, small_config):
    rewrite_state(begun.checkpoints.latest(), format=99)
    table = TradingRules.from_config(small_config).table
    with pytest.raises(RunError, match=r"format 99.*reads format 3"):
        load_model(begun, table, "latest")


@pytest.mark.parametrize("kind", ["features", "actions", "outcomes"])
def test_other_names_are_refused_by_name(begun, small_config, small_dataset, kind):
    path = begun.checkpoints.latest()
    table = TradingRules.from_config(small_config).table
    ours = schema(small_config, table)[kind]
    rewrite_state(path, **{kind: [*ours[1:], ours[0]]})
    with pytest.raises(RunError, match=rf"{path.name}: its {kind} are .*{ours[0]}"):
        make_trainer(begun.path, small_config, small_dataset)
    with pytest.raises(RunError, match=kind):
        load_model(begun, table, "latest")


def test_pairs_that_were_spelled_otherwise_are_the_same(tmp_path):
    config = config_toml.override(CRYPTO, ["market.symbols=BTC/USDT:USDT,avaxusdt"])
    table = TradingRules.from_config(config).table
    kept = schema(config, table)
    before = {"pair_BTCUSDT": "pair_BTC/USDT:USDT", "pair_AVAXUSDT": "pair_avaxusdt"}
    kept["features"] = [before.get(name, name) for name in kept["features"]]
    require_schema(kept, config, table, tmp_path)
    kept["features"][kept["features"].index("pair_avaxusdt")] = "pair_a b"
    with pytest.raises(RunError, match="pair_a b"):
        require_schema(kept, config, table, tmp_path)


def test_what_was_written_for_these_names_is_accepted(begun, small_config):
    path = begun.checkpoints.latest()
    table = TradingRules.from_config(small_config).table
    require_schema(checkpoints.load_state(path), small_config, table, path)
    model, name = load_model(begun, table, "latest")
    assert name == path.name
    assert not model.training


def test_a_model_of_another_size_is_refused_with_its_checkpoint(begun, small_config):
    config = begun.path / "config.toml"
    config.write_text(config.read_text().replace("latent_width = 16", "latent_width = 24"))
    table = TradingRules.from_config(small_config).table
    with pytest.raises(RunError, match=r"000001-episode-000000 does not fit .*config\.toml"):
        load_model(begun, table, "latest")


def test_before_the_first_validation_the_latest_checkpoint_is_the_best(begun):
    table = TradingRules().table
    assert load_model(begun, table, "best")[1] == load_model(begun, table, "latest")[1]


def test_a_run_without_a_checkpoint_says_so(begun):
    shutil.rmtree(begun.path / "checkpoints")
    with pytest.raises(RunError, match="no best checkpoint yet"):
        load_model(begun, TradingRules().table, "best")
