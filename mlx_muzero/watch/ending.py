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
