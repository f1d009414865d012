"""Units of time: right, and written once."""

import re

from folders import ROOT
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MILLISECOND_NS, MINUTE_NS, SECOND_NS


def test_units():
    assert SECOND_NS == 1000 * MILLISECOND_NS == 10**9
    assert (DAY_NS // SECOND_NS, HOUR_NS // MINUTE_NS, MINUTE_NS // SECOND_NS) == (86400, 60, 60)


def test_no_other_module_writes_them_anew():
    written = re.compile(r"\b(60_000_000_000|1_000_000_000|86_?400_000_000_000)\b")
    units = ROOT / "mlx_muzero" / "timeunits.py"
    for path in (ROOT / "mlx_muzero").rglob("*.py"):
        if path != units:
            assert not written.search(path.read_text()), path
