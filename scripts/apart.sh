# Sourced, after environment.sh, by scripts that test another build of the core than the project's own.

# Installs the project into FOLDER/site, the project's own environment left alone, with settings of
# scikit-build-core: install_apart FOLDER cmake.define.NAME=VALUE ... FOLDER/cmake/unit_tests then runs
# the C++ cases of that build, and the array pytest_apart is the command that runs tests there.
install_apart() {
    local folder=$1 packages
    shift
    # The long options: the pip that a new environment begins with may not know -C.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
        --target "$folder/site" --config-settings=build-dir="$folder/cmake" \
        --config-settings=cmake.define.MLX_MUZERO_UNIT_TESTS=ON "${@/#/--config-settings=}" .
    packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    # -S leaves out the editable installation of this project, -P the sources in this folder.
    pytest_apart=(env PYTHONPATH="$folder/site:$packages"
        .venv/bin/python -P -S -m pytest -p no:cacheprovider)
}
