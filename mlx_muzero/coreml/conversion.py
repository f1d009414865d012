"""From a MIL program to a saved package, and several packages into one."""

from pathlib import Path
from typing import Any

from mlx_muzero.coreml.toolkit import TARGET, ct

_DATE = "com.github.apple.coremltools.conversion_date"


def save(program: Any, package: Path) -> None:
    """Convert a MIL program as it stands and save it; `program` is spent afterwards.

    The program already has the precision and the operations it is to have, so coremltools is asked
    for neither: its passes would rename and regroup operations, and take most of the time.
    """
    model = ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=TARGET,
        compute_precision=ct.precision.FLOAT32,
        pass_pipeline=ct.PassPipeline.EMPTY,
        skip_model_load=True,
    )
    # So that equal weights give equal files tomorrow too.
    del model.user_defined_metadata[_DATE]
    model.save(str(package))


def join(packages: dict[str, Path], target: Path) -> None:
    """Save packages as the functions of one, by name; equal weights are kept once."""
    descriptor = ct.utils.MultiFunctionDescriptor()
    for function, package in packages.items():
        descriptor.add_function(
            str(package), src_function_name="main", target_function_name=function
        )
    descriptor.default_function_name = next(iter(packages))
    ct.utils.save_multifunction(descriptor, str(target))
