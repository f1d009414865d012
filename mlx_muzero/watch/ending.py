"""How the last process of a run ended, by what it journaled.

What is journaled between an ending and the next beginning, by those who only look at a run (a
parity check, say), changes nothing of how it ended.
"""

ENDINGS = ("finished", "stopped", "diverged")
BEGINNINGS = ("started", "resumed", "paper_started")


def ending_after(ending: str, kind: str) -> str:
    """The ending once an event of `kind` came after all those that gave `ending`; "" for none."""
    if kind in ENDINGS:
        return kind
    return "" if kind in BEGINNINGS else ending


def condition(*, running: bool, events: int, ending: str, reading: bool = False) -> str:
    """How a run stands.

    Args:
        running: whether a process holds its folder.
        events: of its journal so far.
        ending: `ending_after` all of them.
        reading: whether part of the journal is still to be read.

    Returns:
        "running", "reading", "no data", one of `ENDINGS`, or "disconnected" where its process is
        gone without a word.
    """
    if running:
        return "running"
    if reading:
        return "reading"
    return (ending or "disconnected") if events else "no data"
