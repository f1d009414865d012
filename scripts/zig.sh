# Sourced by scripts/arm64 and scripts/macos-wheel: zig, a Clang for systems other than this one.
zig_requirement="ziglang==0.17.1"

# Unpacks it from PyPI into cache/zig.
make_zig() {
    echo "Fetching zig into $cache ..." >&2
    rm -rf "$cache/zig"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --target "$cache/zig" \
        "$zig_requirement" >"$cache/pip.log" 2>&1 ||
        cannot "the package index has no $zig_requirement: $(tail -n1 "$cache/pip.log")"
}
