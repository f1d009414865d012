"""Imports coreai (nothing else does), of the one version whose assets are known.

Importing this module takes a third of a second, so modules import it only where they use it. Some
of what programs need is not in the library's public interface yet: composite operations, and
reading a saved program back.
"""

from mlx_muzero.coreai.producer import require_producer
from mlx_muzero.errors import ExportError

require_producer()
try:
    from coreai import authoring, runtime
    from coreai._compiler import ir
    from coreai.authoring.constant import constant
except ImportError as error:
    raise ExportError(
        f"Core AI does not load here ({error}); its Linux wheels need glibc 2.34 on x86-64, those "
        "for a Mac macOS 26"
    ) from error

__all__ = ["authoring", "constant", "ir", "runtime"]
