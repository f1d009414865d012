"""What `mlx-muzero profile` last measured of a run, in the shape that is relied on."""

from pathlib import Path
from typing import Any

from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import read_text
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import count, flag, number, optional, record, sequence, text

_MOST = 1000
_number = optional(number)

_STEP = record(
    {"pairs": count, "simulations": count, "decisions_per_s": number},
    {"p50_ms": _number, "p90_ms": _number},
)
_ENERGY_KEYS = ("cpu_w", "gpu_w", "ane_w", "system_w", "idle_w", "mj_per_decision")
_ENERGY = record({}, dict.fromkeys(_ENERGY_KEYS, _number))
_BACKEND = record(
    {"target": text, "failure": text, "steps": sequence(_STEP, most=_MOST)},
    {"load_ms": _number, "memory_mb": _number, "energy": optional(_ENERGY)},
)
_OPERATION = record({}, {"preferred": optional(text), "cost": _number})
_PLACEMENT = record(
    {"program": text, "requested": text, "failure": text, "operations": sequence(_OPERATION)}
)
_PROFILE = record(
    {
        "machine": text,
        "subject": text,
        "verdict": text,
        "notes": sequence(text, most=_MOST),
        "targets": sequence(record({"name": text, "simulated": flag}), most=_MOST),
        "backends": sequence(_BACKEND, most=_MOST),
    },
    {"placements": sequence(_PLACEMENT, most=_MOST)},
)


def read_profile(folder: Path) -> dict[str, Any]:
    """The profile of the run in `folder`; empty without one.

    Raises:
        RunError: there is a file that is none.
    """
    path = folder / "profile.json"
    try:
        profile: dict[str, Any] = _PROFILE(parsed(read_text(path)))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RunError(f"{path.name} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RunError(f"{path.name} holds no profile ({error})") from error
    return profile
