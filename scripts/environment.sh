# Sourced by the other scripts: makes .venv if it is missing and installs the project into it with
# `extras` ("dev" unless set), again only when what is installed has changed. Leaves the repository's
# root as the working folder, and the command in `mlx_muzero`; one that is named by MLX_MUZERO is
# there already.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.12 python3.13 python3.11 python3 python; do
        if [ -n "$candidate" ] && "$candidate" -c \
            'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
            2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "mlx_muzero needs Python 3.11, 3.12 or 3.13 with venv; set PYTHON to one." >&2
    return 1
}

make_environment() {
    local stamp installed
    [ -x .venv/bin/python ] || "$(find_python)" -m venv .venv || return 1
    # The C++ core is compiled at installation, so its sources count; Python files need nothing.
    stamp=$(cat pyproject.toml CMakeLists.txt $(find cpp -type f | LC_ALL=C sort) | cksum)
    # Of the same sources, an environment with everything serves a script that needs less.
    installed=$(cat .venv/installed 2>/dev/null)
    if [ "$installed" != "$stamp dev" ] && [ "$installed" != "$stamp $extras" ]; then
        echo "Building mlx_muzero in .venv (a minute or two) ..." >&2
        .venv/bin/python -m pip install --quiet --disable-pip-version-check \
            -e ".${extras:+[$extras]}" || return 1
        echo "$stamp $extras" >.venv/installed
    fi
}

extras=${extras-dev}
mlx_muzero=${MLX_MUZERO:-.venv/bin/mlx-muzero}
[ -n "${MLX_MUZERO:-}" ] || make_environment || exit 1
