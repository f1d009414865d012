"""Errors that a user can act on; anything else is a bug and keeps its traceback.

The command line prints the message of a `MuZeroError` without a traceback and exits with the
class's `exit_code`; with ``--json`` it prints an object that identifies the class by its `code`.
"""


class MuZeroError(Exception):
    """Base class of every error whose message tells the user what to do."""

    exit_code = 1
    code = "error"


class ConfigError(MuZeroError):
    """A configuration key, type or value is wrong; the message names the key."""

    exit_code = 3
    code = "configuration"


class DataError(MuZeroError):
    """Market data is missing, malformed or insufficient; the message names file, line or symbol."""

    exit_code = 4
    code = "market-data"


class SymbolError(DataError, ValueError):
    """A name is not a valid symbol; the message says what is."""


class RunError(MuZeroError):
    """A run folder or checkpoint is missing, damaged or does not match the request."""

    exit_code = 5
    code = "run"


class TrainingDiverged(MuZeroError):
    """A loss or a weight became NaN or infinite; the message names the term."""

    exit_code = 6
    code = "training-diverged"


class SearchError(MuZeroError):
    """The search got invalid arrays; the message names the argument."""

    exit_code = 7
    code = "search"


class ExportError(MuZeroError):
    """An export cannot be made, read or trusted; the message names tensor, operation or file."""

    exit_code = 8
    code = "export"


class EngineLost(MuZeroError):
    """Exported programs can no longer run; a `MuZeroAgent` continues with another backend."""

    exit_code = 9
    code = "engine-lost"


class LeakageError(MuZeroError):
    """Data at a bar depends on later bars; the message names what and where."""

    exit_code = 12
    code = "leakage"


class RankLost(MuZeroError):
    """A process of a distributed training ended early; the message says where to look."""

    exit_code = 13
    code = "rank-lost"


class FeedError(MuZeroError):
    """A feed failed and waiting will not help; the message names the pair, setting or package."""

    exit_code = 10
    code = "feed"


class AlertError(MuZeroError):
    """An alert could not be delivered; the message names the places and what they answered."""

    exit_code = 15
    code = "alert"


class StorageError(MuZeroError):
    """The system denies access to a file or folder, or the disk is full; the message names it."""

    exit_code = 14
    code = "storage"
