"""Imports coremltools (nothing else does), without its warnings on Linux.

Importing this module takes more than a second, so modules import it only where they use it.
"""

import functools
import logging

from mlx_muzero.errors import ExportError

# It warns once for each of its parts that only a Mac can load.
logging.getLogger("coremltools").setLevel(logging.ERROR)

try:
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.frontend.milproto.load import load as load_mil
    from coremltools.converters.mil.mil import types
    from coremltools.converters.mil.mil.passes import pass_pipeline
    from google.protobuf.message import DecodeError
except ImportError as error:
    raise ExportError(
        f"Core ML programs need coremltools ({error}): pip install 'mlx-muzero[coreml]'"
    ) from error

# It draws a progress bar for each of its passes, over whatever is on the screen.
pass_pipeline.tqdm = functools.partial(pass_pipeline.tqdm, disable=True)

TARGET = ct.target.macOS15
"""The oldest system an export runs on: the first to support several functions in a package."""

__all__ = ["TARGET", "DecodeError", "ct", "load_mil", "mb", "types"]
