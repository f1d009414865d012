"""The version of coreai-core that writes and runs assets: one, since its betas differ."""

from importlib.metadata import PackageNotFoundError, version

from mlx_muzero.errors import ExportError

PACKAGE = "coreai-core"

PRODUCER = "1.0.0b3"
"""The version of `PACKAGE`; the extra in ``pyproject.toml`` asks for it."""

_INSTALL = "pip install 'mlx-muzero[coreai]'"


def require_producer() -> None:
    """Check that the right version is installed, without importing it.

    Raises:
        ExportError: it is missing, or another version.
    """
    try:
        found = version(PACKAGE)
    except PackageNotFoundError as error:
        raise ExportError(f"Core AI assets need {PACKAGE} {PRODUCER}: {_INSTALL}") from error
    if found != PRODUCER:
        raise ExportError(
            f"{PACKAGE} {found} is installed; this version of mlx_muzero works with {PRODUCER} "
            f"only, since its betas do not read each other's assets: {_INSTALL}"
        )


def require_same_producer(versions: dict[str, str], where: str) -> None:
    """Check that an export made with `versions` is one that the installed version runs.

    Raises:
        ExportError: another version made it.
    """
    made = versions.get(PACKAGE, "an unknown version")
    if made != PRODUCER:
        raise ExportError(
            f"{where} was made by {PACKAGE} {made}; this version of mlx_muzero runs assets of "
            f"{PRODUCER} only. Export again."
        )
