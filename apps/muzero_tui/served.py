"""An application served to a browser ends with its server, however the server ended."""

import os

SERVER_VARIABLE = "MLX_MUZERO_SERVER"
"""Environment variable with the server's PID."""


def server_is_gone() -> bool:
    """Whether a server started this process and no longer runs."""
    server = os.environ.get(SERVER_VARIABLE, "")
    return bool(server) and str(os.getppid()) != server
