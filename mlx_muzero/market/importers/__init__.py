"""Importers of bars and series: `import_file`, with one source per family of formats."""

from mlx_muzero.market.importers.batch import Failure, ImportBatch
from mlx_muzero.market.importers.choices import Choices
from mlx_muzero.market.importers.formats import FORMATS, detect_format, import_order
from mlx_muzero.market.importers.named_columns import parse_columns
from mlx_muzero.market.importers.pipeline import import_file
from mlx_muzero.market.importers.rejects import Rejected
from mlx_muzero.market.importers.report import ImportReport

__all__ = [
    "FORMATS",
    "Choices",
    "Failure",
    "ImportBatch",
    "ImportReport",
    "Rejected",
    "detect_format",
    "import_file",
    "import_order",
    "parse_columns",
]
