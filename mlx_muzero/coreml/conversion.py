"""Converts MIL programs to saved packages, and joins several packages into one."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlx_muzero.coreml.toolkit import TARGET, ct

_DATE = "com.github.apple.coremltools.conversion_date"


def save(program: Any, package: Path) -> None:
    """Convert a MIL program unchanged and save it; `program` cannot be used afterwards.

    The program already has its final precision and operations, so coremltools' passes are not used:
    they would rename and regroup operations, and take most of the time.
    """
    with _only_new_garbage():
        model = ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=TARGET,
            compute_precision=ct.precision.FLOAT32,
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
        )
    # Equal weights must yield equal files at any time.
    del model.user_defined_metadata[_DATE]
    model.save(str(package))


def join(packages: dict[str, Path], target: Path) -> None:
    """Save packages as named functions of one package; equal weights are stored once."""
    descriptor = ct.utils.MultiFunctionDescriptor()
    for function, package in packages.items():
        descriptor.add_function(
            str(package), src_function_name="main", target_function_name=function
        )
    descriptor.default_function_name = next(iter(packages))
    ct.utils.save_multifunction(descriptor, str(target))


@contextmanager
def _only_new_garbage() -> Iterator[None]:
    """Spare what there is already the garbage collection that each conversion ends with.

    It would go through every object of every module, which takes longer than a small conversion.
    """
    frozen_before = gc.get_freeze_count() > 0
    gc.freeze()
    try:
        yield
    finally:
        if not frozen_before:
            gc.unfreeze()
