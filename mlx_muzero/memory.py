"""Memory of this process."""

import resource
import sys


def peak_memory_mb() -> float:
    """The most this process ever held and the most one of its ended children did, in megabytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    own, children = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return (own + children) * unit / 1e6
