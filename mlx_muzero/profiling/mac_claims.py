"""What is claimed of Macs and only a Mac can show, each claim with its check (``doctor --mac``).

The texts stand in the table of docs/apple.md, and a test holds the two together.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlx_muzero.exports.devices import devices
from mlx_muzero.profiling import mac_core_ml_checks as programs
from mlx_muzero.profiling import mac_machine_checks as machine
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.mac_checks import DoesNotHold, Unavailable
from mlx_muzero.profiling.subject import preset_subject

Status = Literal["pass", "fail", "not run"]


@dataclass(frozen=True)
class Claim:
    """A claim about Macs.

    Attributes:
        name: one word for it, printed beside its result.
        text: the claim, as docs/apple.md has it.
        check: returns what was found, in words.
    """

    name: str
    text: str
    check: Callable[[Lab], str]


@dataclass(frozen=True)
class Result:
    """What this machine says of a claim.

    Attributes:
        name: the claim's.
        status: whether it holds here, or was not asked.
        found: what was measured, why it does not hold, or why it was not asked.
    """

    name: str
    status: Status
    found: str


CLAIMS = (
    Claim(
        "core",
        "The C++ search takes the same steps as its reference in Python, bit for bit, with Apple's "
        "libm.",
        machine.same_trees,
    ),
    Claim(
        "accelerate",
        "With Accelerate, `native` computes what MLX does, within 1e-4 of an output's scale, and "
        "the same call gives the same bits.",
        machine.native_products,
    ),
    Claim(
        "kernels",
        "On an M4 or later, kernels for SME find the bits of those for NEON, in every precision.",
        machine.same_kernels,
    ),
    Claim(
        "metal",
        "MLX computes on the GPU what it computes on the CPU, within 1 % of an output's scale.",
        machine.same_on_the_gpu,
    ),
    Claim(
        "cores",
        "`native` searches with as many threads as there are performance cores, and they are at "
        "least half as many times faster than one.",
        machine.threads_pay,
    ),
    Claim(
        "flush",
        "What is flushed to the disk by F_FULLFSYNC is accepted by the drive.",
        machine.full_flush,
    ),
    Claim(
        "memory",
        "Peak memory is reported in bytes by the kernel, and so in megabytes by us.",
        machine.memory_units,
    ),
    Claim(
        "units",
        "Core ML's results are within the bounds of `verify` on every compute unit.",
        programs.within_bounds,
    ),
    Claim(
        "core-ai",
        "Core AI's results are within the bounds of `verify` on every compute unit (macOS 27).",
        programs.core_ai_within_bounds,
    ),
    Claim(
        "placement",
        "Core ML plans `recurrent` for the Neural Engine from 32 rows on.",
        programs.planned_for_the_neural_engine,
    ),
    Claim(
        "layer-norm",
        "The Neural Engine takes layer norm over the channels as one operation.",
        programs.layer_norm_placed,
    ),
    Claim(
        "functions",
        "Compute plans cover every function of a package that has several.",
        programs.functions_planned,
    ),
    Claim(
        "drift",
        "The device's latents are within 1 % of float32's after 5 steps.",
        programs.drift_bounded,
    ),
    Claim(
        "child",
        "When the process that runs Core ML is killed, a search goes on in a new one with the same "
        "result.",
        programs.killed_child_replaced,
    ),
    Claim(
        "cache",
        "A program is compiled once for each content and macOS release, and kept.",
        programs.compiled_once,
    ),
    Claim(
        "energy",
        "macmon reports the power of the whole machine, and the machine at rest needs less than at "
        "work.",
        machine.power_reported,
    ),
)


def examine_mac(say: Callable[[str], None] = lambda text: None) -> list[Result]:
    """Check every claim with the networks of fx_micro; takes minutes on a Mac.

    Args:
        say: receives what is being done.
    """
    with tempfile.TemporaryDirectory() as folder:
        return list(settle(Lab(preset_subject(), Path(folder), devices("coreml")), say))


def settle(lab: Lab, say: Callable[[str], None] = lambda text: None) -> Iterator[Result]:
    """Yield what this machine says of every claim, in order; a failure does not stop later ones.

    Args:
        lab: provides a model, exports and Core ML, without which no claim is asked.
        say: receives each claim before it is checked.
    """
    for claim in CLAIMS:
        if lab.core_ml is None:
            yield Result(claim.name, "not run", "this needs a Mac")
            continue
        say(claim.text)
        try:
            yield Result(claim.name, "pass", claim.check(lab))
        except Unavailable as missing:
            yield Result(claim.name, "not run", str(missing))
        except Exception as error:  # whatever a Mac may raise: the other claims matter too
            words = str(error) or "no message"
            known = isinstance(error, DoesNotHold)
            yield Result(claim.name, "fail", words if known else f"{type(error).__name__}: {words}")
