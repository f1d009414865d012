"""What is seen of a session from outside: its process and its journal."""

from collections.abc import Callable
from pathlib import Path

from mlx_muzero.errors import RunError
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.run import WatchedRun
from mlx_muzero.watchdog.vigil import Look

_DECIDE_HALT = ("halt", "resume", "flatten")
_FATAL = "the engine ends"


class Lookout:
    """Looks at the session in `run`.

    Args:
        run: the session's folder.
        boot: returns what identifies the present boot.
    """

    def __init__(self, run: Path, boot: Callable[[], str]) -> None:
        self._watched, self._boot = WatchedRun(run), boot()

    def look(self, child: int | None, exit_code: int | None, starts: int) -> Look:
        """What is seen now.

        Args:
            child: the process that the watch started, while it runs; it may not hold the folder
                yet.
            exit_code: its exit code, once it ended.
            starts: how often the watch started the session.

        Raises:
            RunError: the folder holds no session any more.
        """
        watched = self._watched
        watched.poll()
        state = watched.state
        if not isinstance(state, PaperState):
            raise RunError(f"{watched.folder} holds no paper session any more")
        return Look(
            pid=watched.pid or child,
            end=watched.index.end,
            ending=state.ending,
            by=state.by,
            halted=_halted(state),
            fault=_fatal_fault(state),
            pulse_s=state.began.get("pulse_s"),
            journaled_by=state.began.get("pid"),
            exit_code=exit_code,
            starts=starts,
            boot=self._boot,
        )

    @property
    def version(self) -> str:
        """The version that trades, as far as its journal says."""
        return str(self._watched.state.began.get("version") or "")


def _halted(state: PaperState) -> bool:
    """Whether a user halted it: by the newest command, which may follow the last minute."""
    for notice in reversed(state.notices):
        if notice["event"] == "command" and notice.get("name") in _DECIDE_HALT:
            return bool(notice["name"] == "halt")
    return state.mode == "halted"


def _fatal_fault(state: PaperState) -> str:
    """The fault that ended the last process; empty if it ended otherwise."""
    last = state.notices[-1] if state.notices else {}
    if last.get("event") != "fault" or not str(last.get("reaction")).startswith(_FATAL):
        return ""
    return f"{last.get('what')}: {last.get('reason')}"
