"""What `mlx-muzero profile` measured for the run: how fast, at what cost, and where it ran."""

from collections import Counter, defaultdict
from textwrap import wrap
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Size

from mlx_muzero.untrusted.terminal_text import clean_line
from mlx_muzero.words import command
from muzero_tui.formats import bar, number, percent
from muzero_tui.paint import Paint
from muzero_tui.screens.base import RunScreen
from muzero_tui.widgets.panel import Panel


class ProfilePanel(Panel):
    """A panel of figures, as high as its text."""

    DEFAULT_CSS = "ProfilePanel { height: auto; min-height: 3; margin-bottom: 1; }"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The number of lines of its text."""
        return len(self.draw(width, 0, self.app.paint).plain.rstrip("\n").splitlines())

    @property
    def found(self) -> dict[str, Any]:
        """The profile; empty without one."""
        return self.app.profile

    @property
    def unmeasured(self) -> str:
        """What to do where there is no profile."""
        return f"no data: measure with {command('profile', self.watched.folder)}"

    @property
    def measured(self) -> list[tuple[str, dict[str, Any]]]:
        """Name and figures of every target that was measured without failing."""
        names = [
            target["name"] + (" (simulation)" if target["simulated"] else "")
            for target in self.found.get("targets", [])
        ]
        pairs = zip(names, self.found.get("backends", []), strict=False)
        return [(name, backend) for name, backend in pairs if not backend["failure"]]


class Verdict(ProfilePanel):
    """The result in one sentence."""

    TITLE = "verdict"
    HELP: ClassVar[str] = (
        "The precision in force (search.precision; auto means float32 in training), which backend "
        "makes decisions fastest here, and what was not measured, and why."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Machine, subject, verdict, notes."""
        if self.app.profile_problem:
            again = f"measure again with {command('profile', self.watched.folder)}"
            return Text(f"{self.app.profile_problem}: {again}", paint.bad)
        if not self.found:
            return Text(self.unmeasured, paint.muted)
        text = Text().append(f"{self.found['machine']}\n{self.found['subject']}\n", paint.muted)
        text.append(f"the run computes in {clean_line(self.watched.precision)}")
        text.append(" (search.precision)\n", paint.muted)
        told = [(self.found["verdict"], f"bold {paint.accent}")]
        told += [(note, paint.muted) for note in self.found["notes"]]
        for words, style in told:
            text.append("\n".join(wrap(clean_line(words), max(width, 1))) + "\n", style)
        return text


class Steps(ProfilePanel):
    """Decisions for all pairs at once."""

    TITLE = "steps: decisions for all pairs at once"
    HELP: ClassVar[str] = (
        "Bars are the measured decisions per second, at the median; the longest is the fastest "
        "target for those pairs and simulations. p50 and p90 are milliseconds of a whole step."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """One block per size of step, one line per target."""
        cells: dict[tuple[int, int], list[tuple[str, dict[str, Any]]]] = {}
        for name, backend in self.measured:
            for step in backend["steps"]:
                size = step["pairs"], step["simulations"]
                cells.setdefault(size, []).append((name, step))
        if not cells:
            return Text(self.unmeasured, paint.muted)
        text, room = Text(), max(width - 62, 4)
        for (pairs, simulations), lines in cells.items():
            search = f"{simulations} simulations" if simulations else "no search"
            text.append(f"{pairs} pair{'s' * (pairs > 1)}, {search}\n", "bold")
            best = max(step["decisions_per_s"] for _, step in lines)
            for name, step in lines:
                rate = step["decisions_per_s"]
                share = rate / best if best else 0.0
                text.append(f"  {name[:22]:23}").append(bar(share, room), paint.curve)
                text.append(f" {number(rate):>7}/s  p50 {number(step.get('p50_ms'), 3):>6}")
                text.append(f"  p90 {number(step.get('p90_ms'), 3):>6} ms\n")
        return text


class Costs(ProfilePanel):
    """Loading, memory, energy."""

    TITLE = "loading, memory, energy"
    HELP: ClassVar[str] = (
        "Time until the first call, peak memory and, if power could be sampled, watts and "
        "millijoules per decision: of the whole machine less its power at rest, where the sampler "
        "tells it, or of CPU, GPU and Neural Engine together."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """One line per target, failures last."""
        if not self.found:
            return Text(self.unmeasured, paint.muted)
        text = Text().append(f"{'':25}{'load ms':>9}{'MB':>8}{'mJ/dec.':>9}{'CPU W':>7}", "dim")
        text.append(f"{'GPU W':>7}{'ANE W':>7}\n", "dim")
        for name, backend in self.measured:
            text.append(f"{name[:24]:25}{number(backend.get('load_ms')):>9}")
            text.append(f"{number(backend.get('memory_mb')):>8}")
            energy = backend.get("energy") or {}
            text.append(f"{number(energy.get('mj_per_decision'), 3):>9}")
            for key in ("cpu_w", "gpu_w", "ane_w"):
                text.append(f"{number(energy.get(key), 3):>7}")
            text.append("\n")
        for backend in self.found["backends"]:
            if backend["failure"]:
                text.append(f"{backend['target']}: {backend['failure']}\n", paint.bad)
        return text


class Placement(ProfilePanel):
    """Where operations run."""

    TITLE = "placement: requested, planned, measured"
    HELP: ClassVar[str] = (
        "Requested: the units Core ML was allowed to use. Planned: the operations its compute plan "
        "assigns to each device, and their share of the estimated time. Measured: the median step "
        "with those units. Requesting the Neural Engine does not mean it is used."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """One line per program and requested units."""
        plans = self.found.get("placements", [])
        if not plans:
            return Text("no data: Core ML's plans need macOS and an export", paint.muted)
        text = Text().append(
            f"{'requested':13}{'program':18}{'planned':36}{'measured':>12}\n", "dim"
        )
        for plan in plans:
            text.append(f"{plan['requested'][:12]:13}{plan['program'][:17]:18}")
            if plan["failure"]:
                text.append(f"no plan: {plan['failure']}\n", paint.bad)
                continue
            text.append(f"{_planned(plan['operations'])[:35]:36}")
            text.append(f"{self._measured_ms(plan['requested']):>12}\n")
        return text

    def _measured_ms(self, requested: str) -> str:
        for name, backend in self.measured:
            if name.endswith(requested) and backend["steps"]:
                return f"{number(backend['steps'][-1].get('p50_ms'), 3)} ms"
        return "-"


class ProfileScreen(RunScreen):
    """Four panels, stacked."""

    def body(self) -> ComposeResult:
        """Verdict, steps, costs, placement."""
        with VerticalScroll(id="profile"):
            yield Verdict()
            yield Steps()
            yield Costs()
            yield Placement()

    def show(self) -> None:
        """Read the profile again, and resize the panels if it has changed."""
        if self.app.read_profile():
            for panel in self.query(ProfilePanel):
                panel.refresh(layout=True)


def _planned(operations: list[dict[str, Any]]) -> str:
    """Number of operations per device, with their share of the cost."""
    counts = Counter(op.get("preferred") or "undetermined" for op in operations)
    costs: defaultdict[str, float] = defaultdict(float)
    for op in operations:
        costs[op.get("preferred") or "undetermined"] += op.get("cost") or 0.0
    return ", ".join(
        f"{device} {count} ops {percent(costs[device])}" for device, count in counts.items()
    )
