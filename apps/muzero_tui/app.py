"""The application: it watches one run on six screens, and sends commands to the run's process."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget

from mlx_muzero.errors import RunError
from mlx_muzero.runlog.journal import utc_now
from mlx_muzero.untrusted.terminal_text import clean
from mlx_muzero.watch.run import WatchedRun
from mlx_muzero.words import command
from muzero_tui.clean_lines import CleanLines
from muzero_tui.keymap import keymap_path, load_keymap
from muzero_tui.pixels import UNASKED, Pixels, cell_size, fit_for
from muzero_tui.screens.base import RunScreen
from muzero_tui.screens.catalog import binding_ids, make_screen
from muzero_tui.served import SERVER_VARIABLE, server_is_gone
from muzero_tui.themes import CYCLE, OWN
from muzero_tui.watcher import Watcher
from muzero_tui.widgets.banner import SCREENS

if TYPE_CHECKING:
    from mlx_muzero.paper.mode import Command
    from mlx_muzero.watch.paper_state import PaperState

POLL_S = 0.25
AGES_S = 1.0
"""How often to redraw ages: they grow even if nothing happens."""

CLEAN_LINES = CleanLines()

FIRST_SCREENS = {"training": "train", "paper": "live", None: "runs"}
"""The first screen, by the kind of run in the folder."""

MOVE, SPEED = Binding.Group("Move"), Binding.Group("Speed")
"""Keys that share one hint."""


class MuZeroApp(Watcher):
    """Watches one run at a time; `folder` is a run, or a folder of runs.

    Args:
        folder: a run, or a folder of runs.
        read_only: refuse every command, as in a browser.
        clock: wall clock.
        pixels: how the terminal draws pixels.
        typed: what was typed before the application could read it.
    """

    TITLE = "mlx-muzero"
    ENABLE_COMMAND_PALETTE = True
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "switch_mode('runs')", "Runs", id="screen.runs", show=False),
        Binding("2", "switch_mode('train')", "Train", id="screen.train", show=False),
        Binding("3", "switch_mode('live')", "Live", id="screen.live", show=False),
        Binding("4", "switch_mode('tree')", "Tree", id="screen.tree", show=False),
        Binding("5", "switch_mode('profile')", "Profile", id="screen.profile", show=False),
        Binding("6", "switch_mode('process')", "Process", id="screen.process", show=False),
        Binding("space", "pause", "Pause", id="moment.pause"),
        Binding("comma", "scrub(-0.01)", "Back", id="moment.back", key_display=",", group=MOVE),
        Binding(
            "full_stop", "scrub(0.01)", "Forward", id="moment.forward", key_display=".", group=MOVE
        ),
        Binding("semicolon", "scrub(-0.1)", "Far back", id="moment.far_back", group=MOVE),
        Binding("colon", "scrub(0.1)", "Far forward", id="moment.far_forward", group=MOVE),
        Binding("r", "replay", "Replay", id="moment.replay"),
        Binding("left_curly_bracket", "speed(-1)", "Slower", id="moment.slower", group=SPEED),
        Binding("right_curly_bracket", "speed(1)", "Faster", id="moment.faster", group=SPEED),
        Binding("l", "live", "Live", id="moment.live"),
        Binding("t", "next_theme", "Theme", id="theme.next"),
        Binding("x", "screenshot", "SVG", id="screenshot", tooltip="Save a screenshot as SVG"),
        Binding("i", "pixels", "Pixels", id="pixels", show=False),
        Binding("c", "copy", "Copy", id="copy"),
        Binding("j", "jump", "Jump", id="jump", tooltip="Choose a panel by a letter"),
        Binding("question_mark", "help", "Help", id="help", key_display="?"),
        Binding("q", "quit", "Quit", id="quit"),
    ]

    def __init__(
        self,
        folder: Path,
        *,
        read_only: bool = False,
        clock: Callable[[], datetime] = utc_now,
        pixels: Pixels = UNASKED,
        typed: str = "",
    ) -> None:
        watched = WatchedRun(folder, clock)
        # Textual makes the screen of this mode before `on_mount`, and an empty one by default.
        self.DEFAULT_MODE = FIRST_SCREENS[watched.kind]  # type: ignore[misc]  # known only here
        self.leaving = False
        super().__init__()
        self.clock = clock
        self.read_only = read_only
        self._pixels = fit_for(pixels, self.console.color_system)
        self._in_pixels = True
        self._typed = typed
        self.watched = watched
        self.no_run = watched.kind is None
        self.profile = {}
        self.profile_problem = ""
        self.opening = not self.no_run
        self._seen = -1
        self._problem = ""
        self._asking = False
        self._held: list[Callable[[], None]] = []
        self.root = folder if self.no_run else folder.parent
        for name in SCREENS:
            self.add_mode(name, partial(make_screen, name))
        for theme in OWN:
            self.register_theme(theme)
        # Setting it otherwise would have all styles parsed twice.
        self.set_reactive(MuZeroApp.theme, OWN[0].name)
        self.set_keymap(load_keymap(keymap_path(), lambda: binding_ids(MuZeroApp)))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The filters that every line passes before it is written."""
        return [CLEAN_LINES, *super().get_line_filters()]

    def notify(self, message: str, *, title: str = "", **options: Any) -> None:
        """Show a message in a corner for a while, never parsing its brackets as markup.

        While a question is open, messages wait for the answer, so that nothing covers the question.
        """
        say = partial(super().notify, clean(message), title=clean(title))
        say = partial(say, **(options | {"markup": False}))
        if self._asking:
            self._held.append(say)
        else:
            say()

    def exit(self, *arguments: Any, **options: Any) -> None:
        """Leave; keys pressed from now on do nothing."""
        self.leaving = True
        super().exit(*arguments, **options)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow no action once the application is leaving."""
        return not self.leaving

    def on_mount(self) -> None:
        """Show the first screen and start polling."""
        # Drawn text takes its colors from the theme.
        self.theme_changed_signal.subscribe(self, lambda _theme: self._keep_up())
        if self.opening:
            self._read_journal()
        self.set_interval(POLL_S, self.poll)
        self.set_interval(AGES_S, partial(self._keep_up, aged=True))
        for character in filter(str.isalnum, self._typed):  # keys by their own name
            self.simulate_key(character)
        if SERVER_VARIABLE in os.environ:
            self.set_interval(AGES_S, self._leave_with_server)

    def _leave_with_server(self) -> None:
        if server_is_gone():
            self.exit()

    def choose(self, folder: Path) -> None:
        """Watch a run; a thread opens its journal, which may be long."""
        self.watched = WatchedRun(folder, self.clock)
        self.no_run = False
        self.opening, self._seen = True, -1
        self.switch_mode(FIRST_SCREENS[self.watched.kind])
        self._read_journal()

    def _read_journal(self) -> None:
        # Draw the screen first: the reading thread would compete with it for the interpreter.
        open_run = partial(self._open, self.watched)
        self.call_after_refresh(self.run_worker, open_run, thread=True)

    def _open(self, run: WatchedRun) -> None:
        run.poll()
        self.from_thread(partial(self._opened, run))

    def _opened(self, run: WatchedRun) -> None:
        if run is self.watched:  # another may have been chosen meanwhile
            self.opening = False
            self.poll()

    def poll(self) -> None:
        """Poll the run, and redraw the screen if anything is new."""
        if self.opening or self.no_run or self.leaving:
            return
        self.watched.poll()
        if self.watched.version != self._seen:
            self._seen = self.watched.version
            self._tell_problem()
            self._keep_up()

    def _tell_problem(self) -> None:
        """Show once why a journal, or the rest of it, is not read."""
        problem = self.watched.index.problem
        if problem != self._problem:
            self._problem = problem
            if problem:
                self.notify(problem, title=self.watched.folder.name, severity="error", timeout=10)

    def _keep_up(self, *, aged: bool = False) -> None:
        screen = self._run_screen
        if screen is not None and not self.opening:
            screen.keep_up(aged=aged)

    @property
    def _run_screen(self) -> RunScreen | None:
        """The top screen if it shows the run; None while the application starts or ends."""
        stack = self.screen_stack
        return stack[-1] if stack and isinstance(stack[-1], RunScreen) else None

    async def show_decisions_of(self, pair: str) -> None:
        """Show the tree screen, filtered by a pair."""
        await self.switch_mode("tree")
        screen = self._run_screen
        assert screen is not None
        await screen.filter(pair)

    # Commands to the process.

    def action_command(self, name: "Command") -> None:
        """Ask for confirmation of a command, then send it."""
        if reason := self._refusal():
            self.notify(reason, title=f"{name} is not possible", timeout=6)
            return
        session = self._session
        assert session is not None
        from muzero_tui.screens.confirm import ConfirmScreen, consequence

        question = ConfirmScreen(name, consequence(name, session))
        self._asking = True
        self.push_screen(question, partial(self._command_answered, name))

    @property
    def _session(self) -> "PaperState | None":
        """The state of the paper session shown; None if a training is."""
        from mlx_muzero.watch.paper_state import PaperState

        state = self.watched.state
        return state if isinstance(state, PaperState) else None

    def _refusal(self) -> str:
        """Why no command can be sent; empty if one can."""
        if self.read_only:
            return "this view is read-only"
        if self.no_run or self._session is None:
            return "the run shown is not a paper session"
        if self.watched.pid is None:
            return "no process is running this session: the view is read-only"
        if self.watched.playback.mode != "live":
            return "a past moment is shown: press l for the live one"
        return ""

    def _command_answered(self, name: "Command", meant: bool | None) -> None:
        self._asking = False
        while self._held:
            self._held.pop(0)()
        if meant and not self.leaving:
            run = self.watched.folder
            self.run_worker(partial(self._send, run, name), thread=True)

    def _send(self, run: Path, name: str) -> None:
        from mlx_muzero.runlog import control

        try:
            answer, severity = control.send(run / "control.sock", name), "information"
        except RunError as error:
            answer, severity = str(error), "error"
        self.from_thread(partial(self.notify, answer, severity=severity, timeout=10))

    def from_thread(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the application's thread, unless the application is ending."""
        if not self.leaving:
            with suppress(RuntimeError, CancelledError):
                self.call_from_thread(callback)

    # The moment shown.

    def action_pause(self) -> None:
        """Pause at the moment shown, or return to live."""
        playback = self.watched.playback
        if playback.mode == "paused":
            playback.live()
        else:
            playback.pause()
        self.poll()

    def action_scrub(self, share: float) -> None:
        """Move through the journal."""
        self.watched.playback.scrub(share)
        self.poll()

    def action_replay(self) -> None:
        """Replay from the moment shown, or from the beginning if that is the end."""
        self.watched.playback.replay()
        self.poll()

    def action_speed(self, by: int) -> None:
        """Replay faster or slower."""
        self.watched.playback.change_speed(by)
        self.notify(f"replay at {self.watched.playback.speed:,.0f} times", timeout=2)
        self._keep_up()

    def action_live(self) -> None:
        """Follow the end of the journal."""
        self.watched.playback.live()
        self.poll()

    # Screenshots, themes, clipboard, help.

    def deliver_screenshot(
        self, filename: str | None = None, path: str | None = None, time_format: str | None = None
    ) -> str | None:
        """Save a screenshot as SVG in the working folder, or send it to the browser."""
        if self.is_web:
            return super().deliver_screenshot(filename, path, time_format)
        name = filename or f"mlx-muzero-{self.clock():%Y-%m-%d-%H%M%S-%f}.svg"
        target = Path(path or Path.cwd()) / name
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(self.export_screenshot())
        except OSError as error:
            self.notify(f"{target} cannot be written: {error.strerror}", severity="error")
        else:
            self.notify(f"saved {target}", timeout=10)
        return None

    @property
    def pixels(self) -> Pixels:
        """How charts are drawn now, and why not in pixels."""
        found = self._pixels
        if found.protocol is None:
            return found
        from muzero_tui.colors import Colors

        if not self._in_pixels:
            reason = f"i draws them in pixels by {found.protocol}"
        elif Colors.of(self.theme_variables) is None:
            reason = "nobody knows the terminal's own colors, which this theme uses"
        elif cell_size() != found.cell:
            reason = "the size of a character has changed; start again for pixels"
        else:
            return found
        return replace(found, protocol=None, reason=reason)

    def write(self, sequences: str) -> None:
        """Send control sequences to the terminal, behind what was drawn before."""
        if self._driver is not None:
            self._driver.write(sequences)

    def action_pixels(self) -> None:
        """Draw charts in characters, or in pixels again."""
        self._in_pixels = not self._in_pixels
        self.notify(f"charts in {self.pixels}", timeout=5)
        self._keep_up()

    def action_next_theme(self) -> None:
        """Switch to the next theme: dark, light, the terminal's colors, color-blind safe."""
        place = CYCLE.index(self.theme) + 1 if self.theme in CYCLE else 0
        self.theme = CYCLE[place % len(CYCLE)]

    def action_copy(self) -> None:
        """Ask what to copy to the clipboard: what is focused, or how to find it again."""
        from muzero_tui.screens.copy_menu import CopyScreen

        self.push_screen(CopyScreen(self._copies()), self._copy)

    def _copies(self) -> dict[str, str]:
        """Texts to copy by what they are, the most wanted first."""
        focused, folder = self.focused, self.root if self.no_run else self.watched.folder
        texts = {}
        if copied := getattr(focused, "copied", None):
            texts["what the focused panel shows"] = copied()
        if row := getattr(focused, "copied_row", None):
            texts["the row under the cursor"] = row()
        texts["the command that shows this run"] = command("tui", folder)
        texts["the path of the run"] = str(folder)
        if not self.no_run:
            now = self.watched.playback.now.isoformat(timespec="seconds")
            texts["the moment shown, in UTC"] = now
        return {name: text for name, text in texts.items() if text}

    def _copy(self, text: str | None) -> None:
        if text is not None:
            self.copy_to_clipboard(text)
            self.notify(f"copied {len(text):,} characters", timeout=2)

    def action_jump(self) -> None:
        """Put a letter on everything that takes the focus, and focus what is chosen."""
        from muzero_tui.screens.jump import JumpScreen

        whole, chain = self.screen.region, self.screen.focus_chain
        targets = [each for each in chain if each.region and whole.contains_region(each.region)]
        self.push_screen(JumpScreen(targets), self._jump)

    def _jump(self, target: Widget | None) -> None:
        if target is not None:
            target.focus()

    def action_help(self) -> None:
        """Explain the focused widget and its keys."""
        from muzero_tui.screens.help import HelpScreen

        focused = self.focused
        words = getattr(focused, "helped", "") or getattr(focused, "HELP", "")
        words = words or "Choose a panel with tab to read what it shows."
        title = getattr(focused, "TITLE", "") or self.current_mode
        self.push_screen(HelpScreen(str(title), words, self.screen.active_bindings))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action, for the command palette."""
        yield from super().get_system_commands(screen)
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.id and binding.description and binding.id != "quit":
                run = partial(self.run_action, binding.action, active.node)
                yield SystemCommand(f"{binding.description} ({binding.id})", binding.key, run)
