"""The public names: declared, lazy, typed, documented."""

import ast
import importlib
import inspect
import subprocess
import sys

import pytest

import mlx_muzero as mm
from folders import ROOT

PACKAGE = ROOT / "mlx_muzero"


def stub_imports():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    return {
        alias.asname: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_stub_declares_what_is_loaded():
    assert stub_imports() == mm._HOMES
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    listed = next(
        n for n in stub.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__"
    )
    assert ast.literal_eval(listed.value) == mm.__all__
    assert (PACKAGE / "py.typed").is_file()


def test_names_are_loaded_when_they_are_used():
    code = (
        "import sys, mlx_muzero as mm\n"
        "assert 'Config' not in vars(mm) and set(mm.__all__) < set(dir(mm))\n"
        "assert mm.Config is mm.Config and 'Config' in vars(mm)\n"
        "assert not {'numpy', 'mlx.core', 'duckdb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'trane'"):
        mm.trane()
    assert importlib.import_module("mlx_muzero.rng") is mm.rng


def public_functions():
    for name in mm.__all__:
        found = getattr(mm, name)
        if inspect.isfunction(found):
            yield name, found
        elif found.__module__.startswith("mlx_muzero.api"):
            for member, function in inspect.getmembers(found, inspect.isfunction):
                if not member.startswith("_"):
                    yield f"{name}.{member}", function


@pytest.mark.parametrize("name", mm.__all__)
def test_every_public_name_is_documented(name):
    assert inspect.getdoc(getattr(mm, name))


@pytest.mark.parametrize(("name", "function"), public_functions())
def test_every_argument_is_typed_and_documented(name, function):
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty, name
    doc = inspect.getdoc(function)
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        assert parameter.annotation is not inspect.Parameter.empty, (name, parameter.name)
        mentioned = f"{parameter.name}: " in doc or f"`{parameter.name}`" in doc
        # A single argument may be told of in the sentence.
        assert mentioned or len(signature.parameters) <= 2, (name, parameter.name)
