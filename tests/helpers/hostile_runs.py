"""Run folders as a stranger may send them: each valid at first, then spoiled in one way."""

import json
import os
import shutil
import socket
from pathlib import Path

from paper_journals import START_NS, Session, append_decision
from training_journals import training_run

TIME = "2026-01-04T12:30:00+00:00"
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31m\u202e\x9b2J\ud800[/bold][red]\r\n"
HUGE_INT = "9" * 10_000
LARGE_INT = "9" * 4_000  # Python's JSON takes it
DEEP = "[" * 100_000


def line(event, **facts):
    return json.dumps({"event": event, "time": TIME, **facts}).encode()


def raw(event, facts):
    """An event whose facts JSON's writer would not write."""
    return f'{{"event": "{event}", "time": "{TIME}", {facts}}}'.encode()


def minute(**facts):
    known = {"close_ns": START_NS, "equity": 1.0, "drawdown_frac": 0.0, "pairs": {}}
    return line("minute", **known | facts)


def of_pair(**row):
    return minute(pairs={"BTC/USDT": row})


def learned(**facts):
    known = {"steps": 1, "losses": {"policy": 1.0}, "total": 1.0, "gradient_norm": 1.0,
             "overflow_frac": 0.0}  # fmt: skip
    return line("learned", **known | facts)


def validated(**facts):
    metrics = {"expectancy_pips": 1.0, "win_frac": 0.5, "trades": 3}
    return line("validated", **{"episodes": 1, "best": True, "metrics": metrics} | facts)


PAPER_LINES = {
    "pairs is a list": [minute(pairs=[1, 2])],
    "a pair is a list": [minute(pairs={"BTC/USDT": [1]})],
    "a state is a number": [of_pair(state=7)],
    "a state is unknown": [of_pair(state="sleeping")],
    "shares are texts": [of_pair(probabilities=["a", "b"])],
    "shares are nested": [of_pair(probabilities=[[1]], outcomes={"a": 1})],
    "shares are out of range": [of_pair(probabilities=[9e17, -9e17], outcomes=[-5, 1e9, 2])],
    "an action is negative": [of_pair(action=-1, probabilities=[1.0])],
    "an action is out of range": [of_pair(action=10**9, probabilities=[1.0])],
    "a price is not finite": [raw("minute", f'"close_ns": {START_NS}, "equity": NaN, '
                                  '"drawdown_frac": -Infinity, "pairs": {"A": {"close": 1e400}}')],
    "prices are at the edge of floats": [minute(equity=1.7e308), minute(equity=-1.7e308)],
    "a time is a float": [minute(close_ns=1e18)],
    "a time is of no calendar": [minute(close_ns=2**63), of_pair(close=1.0, bar_close_ns=-(2**70))],
    "a time is the last": [minute(close_ns=2**63 - 1), minute(close_ns=-(2**63))],
    "an integer has ten thousand digits": [raw("minute", f'"close_ns": {HUGE_INT}')],
    "an integer has four thousand digits": [raw("minute", f'"x": {LARGE_INT}, '
                                                f'"close_ns": {LARGE_INT}')],
    "a mode is an object": [minute(mode={"a": 1}, mode_reason=[1])],
    "everything is null": [minute(equity=None, drawdown_frac=None, day_pnl=None, unrealized=None,
                                  exposure_total=None, latency_ms={"total": None}, risk={},
                                  clock_offset_ms=None, pairs={"A": {"state": "trading"}})],
    "latency is a text": [minute(latency_ms="slow")],
    "limits are texts": [minute(risk={"drawdown": {"used": "much", "limit": 0}})],
    "limits are nothing": [minute(risk={"drawdown": None}), minute(risk={"a": {"limit": 0}})],
    "ten thousand pairs": [minute(pairs={f"P{n}": {} for n in range(10_000)})],
    "orders lack all": [line("order"), line("order", id=1), line("order", id=[], close_ns="a")],
    "fills lack all": [line("fill"), line("fill", order_id=1, fill_ns=1)],
    "trades lack all": [line("trade"), line("trade", exit_ns=1, pair=None, net="a")],
    "trades of nobody": [line("trade", exit_ns=START_NS, pair="A", net=None)],
    "fills of nothing": [line("fill", order_id=1, fill_ns=START_NS, pair="A", units=None,
                              price=None)],
    "an order's time is huge": [line("order", id=1, close_ns=10**30)],
    "a feed of a list": [line("feed", kind=[1], pair=["a"]), line("feed", kind="stale", pair=[])],
    "a feed without a pair": [line("feed", kind="disconnected", pair=None)],
    "notices of objects": [line(kind, limit={}, value=[], what={}, reason=[], name={}, from_ns="a")
                           for kind in ("risk", "fault", "command", "hole")],
    "notices of nothing": [line(kind) for kind in ("risk", "fault", "command", "hole")],
    "a beginning of numbers": [line("paper_started", pairs=3, actions={"a": 1}, feed=4)],
    "a beginning of nothing": [line("paper_started")],
    "names are commands to a terminal": [
        line("paper_started", pairs=[ESCAPES], actions=[ESCAPES], outcomes=[ESCAPES], feed="x"),
        minute(mode=ESCAPES, mode_reason=ESCAPES, risk={ESCAPES: {"used": 1, "limit": 2}},
               pairs={ESCAPES: {"state": ESCAPES, "why": ESCAPES, "action": 0,
                                "probabilities": [1.0]}}),
        line("fault", what=ESCAPES, reason=ESCAPES, reaction=ESCAPES),
        line("command", name=ESCAPES, source=ESCAPES, consequence=ESCAPES),
        line("feed", kind="stale", pair=ESCAPES),
        line("stopped", reason=ESCAPES),
    ],
}  # fmt: skip

TRAINING_LINES = {
    "steps are texts": [learned(steps="many")],
    "losses are a list": [learned(losses=[1.0])],
    "losses are texts": [learned(losses={"policy": "low"})],
    "losses are null": [learned(losses={"policy": None}, total=None, gradient_norm=None,
                                overflow_frac=None)],
    "losses of ten thousand names": [learned(losses={f"l{n}": 1.0 for n in range(10_000)})],
    "losses of ever other names": [learned(losses={f"l{n}": 1.0}) for n in range(1000)],
    "losses at the edge of floats": [learned(total=1.7e308), learned(total=-1.7e308)],
    "steps go back": [learned(steps=step) for step in (10**9, 5, 3, 10**12, 0)],
    "steps are negative": [learned(steps=-5)],
    "metrics are null": [validated(metrics=None)],
    "metrics are empty": [validated(metrics={})],
    "metrics are texts": [validated(metrics={"expectancy_pips": "good", "trades": "many"})],
    "best is a text": [validated(best="yes")],
    "a forecast is a list": [validated(forecast=[1])],
    "a forecast is empty": [validated(forecast={})],
    "a forecast of texts": [validated(forecast={"calibration_error": "low", "predicted": ["a"],
                                                "realized": [None], "calibration": [{}]})],
    "actions are texts": [line("collected", episodes=1, actions={"HOLD": "often"})],
    "actions are none": [line("collected", episodes=1, actions={"HOLD": 0})],
    "actions are negative": [line("collected", episodes=1, actions={"HOLD": -4, "BUY": 4})],
    "episodes are a float": [line("collected", episodes=1.5)],
    "rates are texts": [line("collected", episodes=1, decisions_per_s="fast", memory_mb={})],
    "a beginning of texts": [line("started", episodes_due="all", replay_capacity={}, actions="a")],
    "a beginning of nothing": [line("started")],
    "a phase of numbers": [line("phase", phase=3, episodes="x"), line("phase")],
    "a resume of nothing": [line("resumed"), line("resumed", episodes=-1, steps=2)],
    "a checkpoint is a list": [line("saved", checkpoint=[1])],
    "deep": [raw("learned", f'"steps": {DEEP}')],
    "deep but whole": [raw("learned", f'"steps": {DEEP}{"]" * 100_000}')],
    "deep in a field of no name": [learned(extra=json.loads("[" * 500 + "]" * 500))],
    "a number has no end": [raw("learned", '"steps": 1e400')],
    "ten thousand digits": [raw("learned", f'"steps": {HUGE_INT}')],
    "a line of three megabytes": [learned(extra="x" * 3_000_000)],
    "a list of a million": [learned(extra=[0] * 300_000)],
    "kinds without number": [line(f"kind{n}") for n in range(20_000)],
    "a kind of a megabyte": [line("k" * 1_000_000)],
    "a kind twice": [raw("learned", '"event": ["learned"]'), raw("learned", '"event": null')],
    "a kind is a command": [line("\x1b[2J"), b'{"event": "\x1b[2J"}'],
    "no text": [b"\x00" * 5000, b"\xff\xfe" * 500, b'{"event": "learned\xff"}'],
    "blank": [b""] * 50_000,
    "times are odd": [json.dumps({"event": "learned", "time": time, "steps": 1}).encode()
                      for time in ("2026-01-04T12:00:00", "9999-12-31T23:59:59+00:00",
                                   "0001-01-01T00:00:00+14:00", 5, None, [], "noon")],
    "names are commands to a terminal": [
        line("started", actions=[ESCAPES], outcomes=[ESCAPES], backend=ESCAPES, unit=ESCAPES),
        line("collected", episodes=5, actions={ESCAPES: 3}, alarm=ESCAPES, backend=ESCAPES),
        learned(losses={ESCAPES: 1.0}),
        line("saved", checkpoint=ESCAPES),
        line("engine_lost", reason=ESCAPES),
        line("diverged", reason=ESCAPES),
    ],
}  # fmt: skip


def _sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)


def _socket(path):
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _moved(path, make):
    path.unlink(missing_ok=True)
    make(path)


def _link_to(target):
    return lambda path: path.symlink_to(target)


IMPOSTORS = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "folder": Path.mkdir,
    "link to a device": _link_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to nothing": _link_to("nothing"),
    "terabyte": lambda path: _sparse(path, 2**40),
}
"""Instead of a file."""

LOCKS = {"digits": HUGE_INT, "negative": "-1", "zero": "0", "text": ESCAPES, "large": "9" * 12}

PROFILES = {
    "deep": DEEP,
    "a list": "[]",
    "empty": "{}",
    "texts": json.dumps({"machine": 1, "subject": [], "verdict": {}, "notes": "a",
                         "targets": 3, "backends": ""}),
    "zeros": json.dumps({"machine": ESCAPES, "subject": ESCAPES, "verdict": ESCAPES,
                         "notes": [ESCAPES], "targets": [{"name": ESCAPES, "simulated": False}],
                         "backends": [{"target": ESCAPES, "failure": "", "steps": [
                             {"pairs": 0, "simulations": 0, "decisions_per_s": 0.0}]}],
                         "placements": [{"program": ESCAPES, "requested": ESCAPES, "failure": "",
                                         "operations": [{}, {"cost": None}]}]}),
}  # fmt: skip


def _spoil_decisions(folder, change):
    """Every recorded decision changed."""
    (day,) = (folder / "decisions").iterdir()
    lines = []
    for recorded in day.read_bytes().splitlines():
        values = json.loads(recorded)
        change(values)
        lines.append(json.dumps(values).encode())
    day.write_bytes(b"\n".join(lines) + b"\n")


DECISIONS = {
    "a cycle": lambda d: d["tree"].update(parent=[5] * len(d["tree"]["parent"])),
    "a root below a list": lambda d: d["tree"]["parent"].__setitem__(0, [1]),
    "an own parent": lambda d: d["tree"]["parent"].__setitem__(3, 3),
    "an edge to nowhere": lambda d: d["tree"]["edge"].__setitem__(3, 10**6),
    "a short column": lambda d: d["tree"]["visits"].pop(),
    "no tree": lambda d: d.update(tree={}),
    "texts for visits": lambda d: d["tree"].update(visits=["many"] * len(d["tree"]["visits"])),
    "no actions": lambda d: d.update(action_names=[], prior=[], visits=[], q=[], outcomes=[]),
    "an action out of range": lambda d: d.update(action=500),
    "short figures": lambda d: d.update(prior=[1.0]),
    "a time of no calendar": lambda d: d.update(close_ns=10**40),
    "a field more": lambda d: d.update(more=1),
    "commands to a terminal": lambda d: d.update(
        pair=ESCAPES.replace("\\", ""), position=ESCAPES, outcome_names=[ESCAPES] * 3,
        action_names=[ESCAPES] * len(d["action_names"])),
}  # fmt: skip


def paper(folder):
    session = Session(folder)
    for _ in range(5):
        session.minute()
    session.decide()
    return folder


def training(folder):
    training_run(folder, rounds=8)
    return folder


def append(folder, lines):
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b"\n".join(lines) + b"\n")


def _makers():
    for name, lines in PAPER_LINES.items():
        yield f"paper, {name}", lambda folder, lines=lines: append(paper(folder), lines)
    for name, lines in TRAINING_LINES.items():
        yield f"training, {name}", lambda folder, lines=lines: append(training(folder), lines)
    for file in ("journal.jsonl", "profile.json", "lock", "config.toml"):
        for name, make in IMPOSTORS.items():
            if file != "config.toml" or name not in ("link to itself", "link to nothing"):
                yield (
                    f"{file}, a {name}",
                    lambda folder, file=file, make=make: _moved(training(folder) / file, make),
                )
    for name, text in LOCKS.items():
        yield (
            f"lock, {name}",
            lambda folder, text=text: (training(folder) / "lock").write_text(
                text, errors="surrogatepass"
            ),
        )
    for name, text in PROFILES.items():
        yield (
            f"profile, {name}",
            lambda folder, text=text: (training(folder) / "profile.json").write_text(text),
        )
    for name, change in DECISIONS.items():
        yield (
            f"decision, {name}",
            lambda folder, change=change: _spoil_decisions(paper(folder), change),
        )
    yield (
        "decisions, a link",
        lambda folder: (training_without(folder) / "decisions").symlink_to("/"),
    )
    yield (
        "decisions, a pipe",
        lambda folder: os.mkfifo(training(folder) / "decisions" / "2030-01-01.jsonl"),
    )
    yield (
        "decisions, a folder",
        lambda folder: (training(folder) / "decisions" / "2030-01-01.jsonl").mkdir(),
    )
    yield (
        "decisions, no text",
        lambda folder: (training(folder) / "decisions" / "2030-01-01.jsonl").write_bytes(
            b'{"close_ns": 1, "pair": "\xff\xfe", "action": 0, "episodes": null, }\n'
        ),
    )
    yield (
        "decisions, markup for a name",
        lambda folder: append_decision(training(folder) / "decisions", "[/bold][red]", START_NS),
    )
    yield "both kinds", lambda folder: (paper(folder) / "config.toml").touch()
    yield (
        "a year of no calendar",
        lambda folder: os.utime(training(folder) / "journal.jsonl", (2**55, 2**55)),
    )


def training_without(folder):
    """A training run without decisions."""
    shutil.rmtree(training(folder) / "decisions")
    return folder


MAKERS = dict(_makers())
NAMES = ["[red]name[bold]", "\x1b]0;owned\x07", "new\nline", "n" * 250, "\u202eesrever"]
"""Of run folders."""
