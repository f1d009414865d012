"""No module imports itself by way of others."""

import grimp
import pytest


def circles(package):
    """The modules of `package` that reach themselves by imports, those for types included."""
    graph = grimp.build_graph(package)
    return {
        module
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.chain_exists(importer=imported, imported=module)
    }


@pytest.mark.parametrize("package", ["mlx_muzero", "muzero_cli", "muzero_tui"])
def test_no_module_imports_itself_by_way_of_others(package):
    assert circles(package) == set()
