"""The panels of the process screen, except the log."""

from textwrap import wrap
from typing import ClassVar

from rich.text import Text

from mlx_muzero.profiling.machine_load import KindLoad, Load, LoadMeter
from mlx_muzero.untrusted.terminal_text import clean_line
from muzero_tui.formats import bar, fitting, number, percent
from muzero_tui.notices import notice_lines
from muzero_tui.paint import Paint
from muzero_tui.widgets.panel import Panel

_NAMES = 12
_ANE_IDLE_W = 0.01
"""A Neural Engine that takes less does nothing."""


class Happened(Panel):
    """Events of the run that are told one by one."""

    TITLE = "events and alerts"
    HELP: ClassVar[str] = (
        "What happened until the moment shown, newest first, in UTC. Of a paper session: limits, "
        "faults, commands, gaps, candidates, and alerts that were not delivered. Of a training: "
        "its phases, how it ended, and troubles of exported programs."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """A line each."""
        notices = self.watched.state.notices
        if not notices:
            return Text("nothing so far", paint.muted)
        return notice_lines(notices, paint, dates=True)


class System(Panel):
    """The machine: cores, memory, power, accelerators."""

    AGES: ClassVar[bool] = True
    TITLE = "system"
    HELP: ClassVar[str] = (
        "The machine in the last second, all processes together, measured only while this screen "
        "is shown. Cores are listed by kind where the system tells kinds apart, as a Mac does. "
        "Watts, the GPU and the Neural Engine are known on a Mac with macmon (brew install "
        "macmon); the whole machine's watts come from its sys_power, which few machines have. "
        "plays: the backend that evaluates leaves, and its precision."
    )

    def __init__(self, meter: LoadMeter) -> None:
        super().__init__()
        self._meter = meter

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """A line per kind of core, then memory, power and what is used."""
        load = self._meter.read() if self.screen.is_current else self._meter.last
        room = max(width - _NAMES - 24, 4)
        lines = [_cores(kind, room, paint) for kind in load.cores]
        lines += [_memory(load, room, paint), *_accelerators(load, width, paint)]
        if backend := self.watched.state.began.get("backend"):
            precision = clean_line(self.watched.precision)
            lines.append(_named("plays").append(f"{clean_line(backend)} in {precision}"))
        if load.missing:
            words = wrap(clean_line(load.missing), max(width, 1))
            lines += [Text(line, paint.muted) for line in words]
        return Text("\n").join(lines)


def _named(name: str) -> Text:
    return Text.assemble((f"{name[: _NAMES - 1]:{_NAMES}}", "dim"))


def _cores(load: KindLoad, room: int, paint: Paint) -> Text:
    kind = load.kind
    line = _named(clean_line(kind.name).lower() or "cores")
    line.append(bar(load.busy, room), paint.curve).append(f" {percent(load.busy):>4}")
    told = "" if kind.name else ", one kind"
    return line.append(f"  of {kind.cores}{told}", paint.muted)


def _memory(load: Load, room: int, paint: Paint) -> Text:
    used = load.memory_used
    share = None if used is None else used / load.memory
    line = _named("memory").append(bar(share, room), paint.curve)
    line.append(f" {percent(share):>4}")
    return line.append(f"  of {number(load.memory / 1e9, 3)} GB", paint.muted)


def _accelerators(load: Load, width: int, paint: Paint) -> list[Text]:
    """Power, and whether GPU and Neural Engine are used; nothing where that is not known."""
    watts = load.watts
    if watts is None:
        return []
    told = [("machine", watts.system), ("CPU", watts.cpu), ("GPU", watts.gpu), ("ANE", watts.ane)]
    parts = [Text(f"{name} {number(power, 3)}  ") for name, power in told if power is not None]
    at_work = watts.ane >= _ANE_IDLE_W
    used = _named("used").append(f"GPU {percent(load.gpu)}, Neural Engine ")
    used.append("at work" if at_work else "idle", paint.good if at_work else paint.muted)
    return [fitting([_named("watts"), *parts], width), used]
