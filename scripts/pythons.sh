# Sourced by scripts that need each supported Python.

# The Python of version $1 with venv: on the PATH, or one that pyenv or uv installed.
find_version() {
    local candidate
    for candidate in "python$1" "$HOME/.pyenv/versions/$1".*/bin/python \
        "${XDG_DATA_HOME:-$HOME/.local/share}/uv/python/cpython-$1".*/bin/python; do
        if "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}
