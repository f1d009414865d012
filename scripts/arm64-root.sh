# Sourced by scripts/arm64: an arm64 Linux in the folder `cache`, and what builds for and runs it.
#
#   cache/root     Debian's or Ubuntu's arm64 packages of Python, unpacked
#   cache/tools    a cross compiler and qemu-user, unpacked
#   cache/wheels   arm64 wheels of what the project needs
#
# Everything comes by this machine's own apt sources and package index. Nothing is installed, and
# nothing needs to be root: the archives are unpacked into the cache, which is kept from run to run.

cannot() {
    echo "arm64: NOT RUN: $*" >&2
    exit "$CANNOT"
}

# apt in a state of its own, for packages of $1, beside the installed ones that file $2 lists.
use_apt() {
    local state=$cache/apt-$1
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    cat >"$state/apt.conf" <<EOF
Dir::State "$state";
Dir::State::status "$2";
Dir::Cache "$state";
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Debug::NoLocking "true";
EOF
    export APT_CONFIG=$state/apt.conf
}

# Downloads the packages $4... of $1, with what they need beside those in $2, and unpacks into $3.
unpack_packages() {
    local architecture=$1 installed=$2 into=$3 archive
    shift 3
    use_apt "$architecture" "$installed"
    {
        apt-get update && apt-get install --download-only --yes "$@"
    } >"$cache/apt.log" 2>&1 </dev/null ||
        cannot "apt has no $architecture packages of $*: $(grep -m1 '^E:' "$cache/apt.log" ||
            tail -n1 "$cache/apt.log") (whole: $cache/apt.log)"
    unset APT_CONFIG
    rm -rf "$into"
    mkdir -p "$into"
    for archive in "$cache/apt-$architecture"/archives/*.deb; do
        dpkg-deb --extract "$archive" "$into"
    done
    rm -rf "$cache/apt-$architecture"
}

make_root() {
    echo "Fetching arm64 packages into $cache ..." >&2
    : >"$cache/none-installed"
    unpack_packages arm64 "$cache/none-installed" "$cache/root" \
        python3 libpython3-dev libstdc++6 libgfortran5
    # Where a distribution keeps everything below /usr, the loader is named by a link.
    [ -e "$cache/root/lib" ] || ln -s usr/lib "$cache/root/lib"
}

make_tools() {
    echo "Fetching a cross compiler and qemu into $cache ..." >&2
    local host=$cache/nothing-installed-here script
    # Packages that this machine has are here already; those wanted are unpacked even so.
    awk 'BEGIN { RS = ""; ORS = "\n\n" } !/^Package: (qemu-user|[^\n]*(aarch64|arm64-cross))/' \
        /var/lib/dpkg/status >"$host"
    unpack_packages "$(dpkg --print-architecture)" "$host" "$cache/tools" \
        qemu-user-static g++-aarch64-linux-gnu
    # The linker's scripts name their libraries by absolute paths.
    grep -lIr 'GNU ld script' "$cache/tools/usr/aarch64-linux-gnu/lib" | while read -r script; do
        sed -i "s#/usr/aarch64-linux-gnu#$cache/tools&#g" "$script"
    done
}

# Requirements of the project with its terminal application, and of what runs its tests and build.
requirements() {
    .venv/bin/python - <<'EOF'
import re
import tomllib

with open("pyproject.toml", "rb") as file:
    whole = tomllib.load(file)
project = whole["project"]
tools = re.compile("pytest>|hypothesis|nanobind")
extras = project["optional-dependencies"]
wanted = [
    *project["dependencies"],
    *extras["tui"],
    *(line for line in extras["dev"] + whole["build-system"]["requires"] if tools.match(line)),
]
print("\n".join(line for line in wanted if "darwin" not in line))
EOF
}

make_wheels() {
    local version=$1 glibc=$2 minor
    echo "Fetching arm64 wheels for Python $version into $cache ..." >&2
    local options=(--platform manylinux2014_aarch64)
    for ((minor = glibc; minor >= 17; minor--)); do
        options+=(--platform "manylinux_2_${minor}_aarch64")
    done
    rm -rf "$cache/wheels"
    requirements >"$cache/requirements.txt"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
        --python-version "$version" "${options[@]}" --target "$cache/wheels" \
        -r "$cache/requirements.txt" >"$cache/pip.log" 2>&1 ||
        cannot "the package index has no arm64 wheels of everything: $(tail -n1 "$cache/pip.log")"
}

# Runs the recipe $2... unless it ran before for the text $1.
once() {
    local stamp=$cache/$2.stamp
    if [ "$(cat "$stamp" 2>/dev/null)" != "$1" ]; then
        "${@:2}"
        echo "$1" >"$stamp"
    fi
}
