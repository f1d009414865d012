"""An application in a browser ends with the server that began it, however that ended."""

import os

SERVER_VARIABLE = "MLX_MUZERO_SERVER"
"""Environment variable with the server's process number."""


def server_is_gone() -> bool:
    """Whether this process was begun by a server that no longer runs; False without one."""
    server = os.environ.get(SERVER_VARIABLE, "")
    return bool(server) and str(os.getppid()) != server
