# mlx_muzero on Linux, on the CPU; docs/docker.md says how to train with it.
FROM python:3.11-slim

# A C++ compiler for the search core, and for the kernels that MLX compiles while it runs.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /workspace
COPY pyproject.toml CMakeLists.txt README.md LICENSE ./
COPY cpp cpp
COPY mlx_muzero mlx_muzero
COPY apps apps
RUN pip install --no-cache-dir .

COPY scripts/demo scripts/environment.sh scripts/training-service scripts/
# The environment that scripts/demo would otherwise create; a home that any user may write to.
ENV MLX_MUZERO=mlx-muzero HOME=/tmp PYTHONUNBUFFERED=1
CMD ["mlx-muzero", "--help"]
