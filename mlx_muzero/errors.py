"""Errors a user can act on; anything else is a bug and keeps its traceback.

The command line prints the message of a `MuZeroError` without a traceback and exits with
the class's `exit_code`; with ``--json`` it prints an object that names the class by its `code`.
"""


class MuZeroError(Exception):
    """Base of every error whose message tells the user what to do."""

    exit_code = 1
    code = "error"


class ConfigError(MuZeroError):
    """A configuration key, type or value is wrong; the message names the key."""

    exit_code = 3
    code = "configuration"


class DataError(MuZeroError):
    """Market data is missing, malformed or too little; the message names file, line or symbol."""

    exit_code = 4
    code = "market-data"


class SymbolError(DataError, ValueError):
    """A name cannot be that of an instrument; the message says what can."""


class RunError(MuZeroError):
    """A run folder or checkpoint is missing, damaged or does not fit the request."""

    exit_code = 5
    code = "run"


class TrainingDiverged(MuZeroError):
    """A loss or a weight became NaN or infinite; the message names the term."""

    exit_code = 6
    code = "training-diverged"


class SearchError(MuZeroError):
    """The search was given arrays it cannot use; the message names the argument."""

    exit_code = 7
    code = "search"


class ExportError(MuZeroError):
    """An export cannot be made, read or trusted; names the tensor, operation or file."""

    exit_code = 8
    code = "export"


class EngineLost(MuZeroError):
    """Exported programs can no longer be run; an `Agent` goes on with another backend."""

    exit_code = 9
    code = "engine-lost"


class LeakageError(MuZeroError):
    """What was known at a bar depends on bars after it; the message names what and where."""

    exit_code = 12
    code = "leakage"


class RankLost(MuZeroError):
    """A process of a distributed training ended before the others; the message says which knows."""

    exit_code = 13
    code = "rank-lost"


class FeedError(MuZeroError):
    """A feed cannot go on and waiting will not help; names the pair, setting or package."""

    exit_code = 10
    code = "feed"


class StorageError(MuZeroError):
    """The system refuses a file or folder, or the disk is full; the message names it."""

    exit_code = 14
    code = "storage"
