"""A running account moves in one file; an incomplete backup is refused and leaves nothing."""

import hashlib
import json
import platform
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import pytest

from mlx_muzero.errors import MuZeroError, RunError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.paper.records.backup import MANIFEST, restore_backup, write_backup
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.origin import Origin, mark_moved, origin_of, require_here
from mlx_muzero.paper.records.snapshot import opened_for_reading
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.runlog.lock import locked
from mlx_muzero.training.checkpoint import Checkpoint, load
from mlx_muzero.training.run import MarketRecord, RunFolder
from paper_sessions import CONFIG, WARM_BARS, Commanding, DicePlanner, markets, play, settings

PAIRS = ("USDJPY", "EURJPY")
MINUTES = 30
CHECKPOINT = "000001-episode-000000"
TABLES = ("bars", "decisions", "orders", "order_ends", "fills", "trades", "equity")


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """Settings of a session whose model lies in a training run."""
    run = RunFolder(tmp_path_factory.mktemp("model") / "run")
    (bars,) = markets(["USDJPY"])
    market = MarketRecord.of(Path("market.duckdb"), MarketDataset.from_bars(bars, CONFIG.market))
    run.begin(CONFIG, market)
    checkpoint = Checkpoint({"w": mx.array([1.0])}, {}, {}, {})
    run.checkpoints.save(CHECKPOINT, checkpoint, best=True)
    begun = settings(PAIRS)
    session = replace(begun.session, model=str(run.path), checkpoint=CHECKPOINT)
    return replace(begun, session=session)


def bars():
    return markets(PAIRS, WARM_BARS + MINUTES)


@pytest.fixture(scope="module")
def moved(paper, tmp_path_factory):
    """A session that ran through, and a backup made in the middle of it."""
    folder = tmp_path_factory.mktemp("moved")
    path, file = folder / "run", folder / "account.tar"

    def back_up():
        account = PaperFolder(path)
        with opened_for_reading(account) as (session, store):
            return write_backup(session, store, account, file)

    feed = Commanding(bars(), path, {WARM_BARS + MINUTES // 2: back_up})
    whole = play(path, paper, DicePlanner(), feed=feed)
    return whole, file, feed.answers[0]


def test_what_is_restored_goes_on_as_if_nothing_had_been(moved, tmp_path):
    whole, file, made = moved
    path = tmp_path / "elsewhere"
    restored = restore_backup(file, path)
    assert restored == replace(made, settings=restored.settings)
    folder = PaperFolder(path)
    with PaperStore(folder.store_path, read_only=True) as store:
        assert len(store.table("equity")) == 1 + MINUTES // 2
    again = play(path, bars=bars())
    for name in TABLES:
        assert getattr(again, name) == getattr(whole, name), name
    assert origin_of(folder) == made.origin
    assert made.origin.path == str(whole.folder.path)


def test_the_model_moves_along(moved, tmp_path):
    _, file, _ = moved
    model = RunFolder(Path(restore_backup(file, tmp_path / "new").settings.session.model))
    assert model.path == tmp_path / "new" / "model"
    assert model.config() == CONFIG
    assert model.checkpoints.best().name == CHECKPOINT
    assert sorted(path.name for path in model.checkpoints.best().iterdir()) == [
        "SHA256SUMS",
        "state.json",
        "weights.safetensors",
    ]


def test_the_model_that_moved_along_is_not_trained_on(moved, tmp_path):
    model = RunFolder(Path(restore_backup(moved[1], tmp_path / "new").settings.session.model))
    with pytest.raises(RunError, match="holds only playing weights"):
        load(model.checkpoints.best())


def test_tar_lists_a_backup(moved):
    _, file, made = moved
    with tarfile.open(file, "r:") as archive:
        assert archive.getnames() == [MANIFEST, *made.files]
        assert all(member.isreg() for member in archive)


def members(file):
    with tarfile.open(file, "r:") as archive:
        return [(info, archive.extractfile(info).read()) for info in archive]


def rewritten(file, target, change, manifest=lambda facts: None):
    """A copy of an archive with members and manifest changed, else consistent."""
    found = members(file)
    facts = json.loads(found[0][1])
    manifest(facts)
    data = json.dumps(facts).encode()
    found[0] = (tarfile.TarInfo(MANIFEST), data)
    with target.open("wb") as archive:
        for info, content in change(found):
            held = content if info.isreg() else b""
            info.size = len(held)
            archive.write(info.tobuf(tarfile.GNU_FORMAT) + held + bytes(-len(held) % 512))
        archive.write(bytes(1024))
    return target


def test_what_is_rewritten_as_it_was_is_a_backup(moved, tmp_path):
    """Else the archives below would be refused for another reason."""
    restore_backup(rewritten(moved[1], tmp_path / "same.tar", same), tmp_path / "run")


def same(found):
    return found


def escaping(name):
    """The journal under another name, in the manifest too."""

    def renamed(facts):
        facts["files"][name] = facts["files"].pop("journal.jsonl")

    def change(found):
        for info, content in found:
            if info.name == "journal.jsonl":
                info.name = name
            yield info, content

    return change, renamed


def linked(kind):
    def change(found):
        for info, content in found:
            if info.name == "journal.jsonl":
                info.type, info.linkname = kind, "/etc/passwd"
            yield info, content

    return change, lambda facts: None


def with_facts(change):
    return same, change


def set_bytes(value):
    def change(facts):
        facts["files"]["journal.jsonl"]["bytes"] = value

    return change


HOSTILE = {
    "parent": escaping("../outside"),
    "absolute": escaping("/etc/outside"),
    "hidden parent": escaping("model/../../outside"),
    "unknown": escaping("lock"),
    "socket": escaping("control.sock"),
    "checkpoint elsewhere": escaping("model/checkpoints/../../../x/state.json"),
    "symlink": linked(tarfile.SYMTYPE),
    "hard link": linked(tarfile.LNKTYPE),
    "pipe": linked(tarfile.FIFOTYPE),
    "device": linked(tarfile.CHRTYPE),
    "folder": linked(tarfile.DIRTYPE),
    "sparse": linked(tarfile.GNUTYPE_SPARSE),
    "long name": linked(tarfile.GNUTYPE_LONGNAME),
    "pax": linked(tarfile.XHDTYPE),
    "other bytes": (
        lambda found: [
            (info, content[:-1] + b"x" if info.name == "journal.jsonl" else content)
            for info, content in found
        ],
        lambda facts: None,
    ),
    "left out": (lambda found: found[:-1], lambda facts: None),
    "twice": (lambda found: [*found, found[-1]], lambda facts: None),
    "no manifest": (lambda found: found[1:], lambda facts: None),
    "manifest last": (lambda found: [*found[1:], found[0]], lambda facts: None),
    "huge": with_facts(set_bytes(10**15)),
    "negative": with_facts(set_bytes(-1)),
    "no number": with_facts(set_bytes("1")),
    "true": with_facts(set_bytes(True)),
    "no settings": (
        lambda found: [item for item in found if item[0].name != "paper.toml"],
        lambda facts: facts["files"].pop("paper.toml"),
    ),
    "no files": with_facts(lambda facts: facts.update(files=[])),
    "another format": with_facts(lambda facts: facts.update(format=2)),
    "no origin": with_facts(lambda facts: facts.pop("origin")),
    "bad origin": with_facts(lambda facts: facts["origin"].update(event="1")),
    "an origin of no calendar": with_facts(lambda facts: facts["origin"].update(close_ns=10**40)),
    "an origin that commands": with_facts(lambda facts: facts["origin"].update(host="\x1b[2J")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(moved, tmp_path, name):
    archive = rewritten(moved[1], tmp_path / "hostile.tar", *HOSTILE[name])
    with pytest.raises(RunError, match=r"hostile\.tar is not a complete backup of a session"):
        restore_backup(archive, tmp_path / "new" / "run")
    assert not (tmp_path / "new" / "run").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) in (
        ["hostile.tar"],
        ["hostile.tar", "new"],
    )
    assert not Path("/tmp/outside").exists()


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 513, 5000, -1, -1024, -1025])
def test_a_cut_archive_is_refused(moved, tmp_path, cut):
    data = moved[1].read_bytes()
    (tmp_path / "cut.tar").write_bytes(data[:cut])
    with pytest.raises(RunError, match="not a complete backup"):
        restore_backup(tmp_path / "cut.tar", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("tail", [b"x", bytes(512), b"\0" * 10**6])
def test_nothing_may_follow(moved, tmp_path, tail):
    (tmp_path / "long.tar").write_bytes(moved[1].read_bytes() + tail)
    with pytest.raises(RunError, match="more data after"):
        restore_backup(tmp_path / "long.tar", tmp_path / "run")


def test_every_flipped_bit_of_a_file_is_found(moved, tmp_path):
    data = bytearray(moved[1].read_bytes())
    first = data.index(b"[session]")
    for place in range(first, len(data) - 1024, len(data) // 40):
        if data[place : place + 1] == b"\0":
            continue  # what fills a block, perhaps
        data[place] ^= 4
        (tmp_path / "flipped.tar").write_bytes(data)
        with pytest.raises(MuZeroError):
            restore_backup(tmp_path / "flipped.tar", tmp_path / "run")
        data[place] ^= 4


def spoiled(wanted):
    """The file `wanted` is another one, and the manifest knows."""
    data = b"{}"

    def change(found):
        return [(info, data if info.name == wanted else content) for info, content in found]

    facts = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return change, lambda manifest: manifest["files"].update({wanted: facts})


@pytest.mark.parametrize(
    "name",
    [
        "paper.toml",
        "store.duckdb",
        "model/config.toml",
        "model/market.json",
        f"model/checkpoints/{CHECKPOINT}/state.json",
        f"model/checkpoints/{CHECKPOINT}/weights.safetensors",
    ],
)
def test_an_archive_whose_parts_are_none_leaves_nothing(moved, tmp_path, name):
    archive = rewritten(moved[1], tmp_path / "hostile.tar", *spoiled(name))
    with pytest.raises(MuZeroError, match=Path(name).stem):
        restore_backup(archive, tmp_path / "new" / "run")
    assert not list((tmp_path / "new").iterdir())


def test_an_archive_that_is_not_there_is_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError) as missing:
        restore_backup(tmp_path / "none.tar", tmp_path / "run")
    assert missing.value.filename == str(tmp_path / "none.tar")


def test_nothing_is_overwritten(moved, tmp_path):
    whole, file, _ = moved
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").touch()
    with pytest.raises(RunError, match=r"run is not empty"):
        restore_backup(file, tmp_path / "run")
    with (
        opened_for_reading(whole.folder) as (session, store),
        pytest.raises(RunError, match="already exists"),
    ):
        write_backup(session, store, whole.folder, file)


def test_a_model_that_is_gone_is_named(moved, paper, tmp_path):
    shutil.copytree(moved[0].folder.path, tmp_path / "run")
    account = PaperFolder(tmp_path / "run")
    lost = replace(paper, session=replace(paper.session, checkpoint="000009-episode-000009"))
    account.begin(lost)
    with (
        opened_for_reading(account) as (session, store),
        pytest.raises(RunError, match="no longer has checkpoint 000009-episode-000009"),
    ):
        write_backup(session, store, account, tmp_path / "account.tar")
    assert not (tmp_path / "account.tar").exists()


def test_an_account_is_not_traded_where_it_came_from_and_here_at_once(tmp_path):
    there, here = tmp_path / "there", PaperFolder(tmp_path / "here")
    there.mkdir()
    origin = Origin(platform.node(), str(there), "2026-01-01T00:00:00+00:00", 7, 0)
    origin.require_still(here)
    with locked(there / "lock"):
        with pytest.raises(
            RunError, match=r"which process .* is trading: the account would be traded twice"
        ):
            origin.require_still(here)
        replace(origin, host="another machine").require_still(here)


def test_what_moved_away_is_not_traded_here(tmp_path):
    folder = PaperFolder(tmp_path)
    require_here(folder)
    mark_moved(folder, tmp_path / "account.tar", "2026-01-01T00:00:00+00:00")
    with pytest.raises(RunError, match="was moved away"):
        require_here(folder)


NUL = json.dumps({"host": "a", "path": "b\0", "time": "", "event": 1, "close_ns": 1})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 3}', "[" * 100_000, NUL])
def test_an_origin_that_cannot_be_read_is_no_reason_to_trade(tmp_path, text):
    (tmp_path / "origin.json").write_text(text)
    with pytest.raises(RunError, match=r"origin\.json cannot be read"):
        origin_of(PaperFolder(tmp_path))
