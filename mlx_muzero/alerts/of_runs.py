"""The alerts of a run by its kind: those of a paper session, and those of a training."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.alerts.alerter import Alerter
from mlx_muzero.alerts.courier import Delivery
from mlx_muzero.alerts.of_paper import PaperAlerts
from mlx_muzero.alerts.of_training import TrainingAlerts
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.errors import RankLost, TrainingDiverged
from mlx_muzero.paper.companion import Note
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.runlog.journal import JOURNAL, Journal

Say = Callable[[str], None]
"""Receives text for the console, from any thread."""

_JOURNALED = (TrainingDiverged, RankLost)
"""Errors that a training journals before it ends with them."""


class SessionAlerts:
    """Alerts of the paper session in `run`: a `paper.companion.Companion`.

    Raises:
        ConfigError: an address, token or program is missing from the environment.
        AlertError: a package is missing.
    """

    def __init__(self, run: Path, settings: AlertSettings, say: Say) -> None:
        self._alerter = Alerter(run, settings, PaperAlerts(run, settings.on), os.environ, say)

    def start(self, supervisor: Supervisor, note: Note) -> None:
        """See `Companion.start`."""
        self._alerter.start(supervisor, lambda news: note("alerts", news.facts, str(news)))

    def close(self, error: BaseException | None) -> None:
        """See `Companion.close`."""
        self._alerter.close(error)


class TrainingRunAlerts:
    """Alerts of the training in `run`; errors as those of `SessionAlerts`."""

    def __init__(self, run: Path, settings: AlertSettings, say: Say) -> None:
        self._alerter = Alerter(run, settings, TrainingAlerts(run, settings.on), os.environ, say)
        self._journal, self._say = Journal(run / JOURNAL), say

    @contextmanager
    def during(self) -> Iterator[None]:
        """Alert during the block, in a run folder that this process holds."""
        supervisor = Supervisor()
        self._alerter.start(supervisor, self._tell)
        unjournaled: BaseException | None = None
        try:
            yield
        except Exception as error:
            unjournaled = None if isinstance(error, _JOURNALED) else error
            raise
        finally:
            self._alerter.close(unjournaled)
        supervisor.check()

    def _tell(self, news: Delivery) -> None:
        self._say(str(news))
        self._journal.append("alerts", **news.facts)  # one write, between those of the training
