"""What _core.pyi says and what the built module has are the same, name for name."""

import ast
import re
from enum import Enum
from pathlib import Path

import pytest

import mlx_muzero
from mlx_muzero import _core

STUB = Path(mlx_muzero.__file__).with_name("_core.pyi").read_text()
ARRAYS = {"float32": "F32", "float64": "F64", "int8": "I8", "int32": "I32", "uint64": "U64"}


def signature(function):
    """nanobind's own, as Python: arrays by the names of mlx_muzero.types, defaults as they are."""
    ((text, _, defaults),) = function.__nb_signature__
    text = re.sub(r"(?:numpy\.)?ndarray\[dtype=(\w+)[^\]]*\]", lambda m: ARRAYS[m[1]], text)
    text = re.sub(r"\\(\d+)", lambda m: repr(defaults[int(m[1])]), text)
    text = text.replace(f"{_core.__name__}.", "").replace("def (", "def _(")
    return ast.parse(f"{text}: ...").body[0]


def parameters(function):
    """(kind, name, default) of each, and the types in the same order."""
    args = function.args
    optional = [None] * (len(args.args) - len(args.defaults)) + args.defaults
    found = [
        *(("positional", arg, default) for arg, default in zip(args.args, optional, strict=True)),
        *(("*", arg, None) for arg in [args.vararg] if arg),
        *(("keyword", a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)),
        *(("**", arg, None) for arg in [args.kwarg] if arg),
    ]
    shapes = [(kind, arg.arg, default and ast.unparse(default)) for kind, arg, default in found]
    return shapes, [arg.annotation for _, arg, _ in found] + [function.returns]


def agree(stub, built):
    """Whether a stub's type is the module's, or says what the module leaves open."""
    if built is None:
        return True
    if ast.unparse(built) == "tuple":
        return stub is not None and ast.unparse(stub).startswith("tuple[")
    return stub is not None and ast.unparse(stub) == ast.unparse(built)


def compare_functions(where, stub, function):
    built = signature(function)
    stub_shape, stub_types = parameters(stub)
    built_shape, built_types = parameters(built)
    if stub_shape != built_shape:
        yield f"{where}: {stub_shape} in the stub, {built_shape} in the module"
    elif not all(map(agree, stub_types, built_types)):
        yield f"{where}: `{ast.unparse(stub)}` in the stub, `{ast.unparse(built)}` in the module"


def compare_names(where, stub, built):
    for name in sorted(set(stub) - set(built)):
        yield f"{where} has {name} in the stub only"
    for name in sorted(set(built) - set(stub)):
        yield f"{where} has {name} in the module only"


def compare_enums(where, stub, built):
    values = {line.targets[0].id: ast.literal_eval(line.value) for line in stub.body}
    if values != {member.name: member.value for member in built}:
        yield f"{where}: {values} in the stub, {list(built)} in the module"


def compare_classes(where, stub, built):
    bases = [base.__name__ for base in built.__bases__ if base is not object]
    if [ast.unparse(base) for base in stub.bases] != bases:
        yield f"{where} derives from {bases} in the module"
    if issubclass(built, Enum):
        yield from compare_enums(where, stub, built)
        return
    methods = {line.name: line for line in stub.body if isinstance(line, ast.FunctionDef)}
    members = {
        name: getattr(member, "fget", member)
        for name, member in vars(built).items()
        if hasattr(getattr(member, "fget", member), "__nb_signature__")
    }
    if methods.pop("__getattr__", None):  # its properties stand elsewhere
        members = {n: m for n, m in members.items() if not isinstance(vars(built)[n], property)}
    yield from compare_names(where, methods, members)
    for name in methods.keys() & members.keys():
        is_property = [ast.unparse(d) for d in methods[name].decorator_list] == ["property"]
        if is_property != isinstance(vars(built)[name], property):
            yield f"{where}.{name} is a property on one side only"
        yield from compare_functions(f"{where}.{name}", methods[name], members[name])


def differences(text):
    """Of a stub and the built module."""
    stub = {
        line.name: line
        for line in ast.parse(text).body
        if isinstance(line, ast.ClassDef | ast.FunctionDef)
    }
    built = {name: what for name, what in vars(_core).items() if not name.startswith("_")}
    found = list(compare_names("_core", stub, built))
    for name in sorted(stub.keys() & built.keys()):
        compare = compare_classes if isinstance(built[name], type) else compare_functions
        found.extend(compare(name, stub[name], built[name]))
    return found


def test_the_stub_is_the_module():
    assert differences(STUB) == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("def kernels() -> list[str]: ...", "", "kernels"),
        ("class Evaluator: ...", "class Evaluator: ...\nclass Other: ...", "Other"),
        ("class NetworkEvaluator(Evaluator)", "class NetworkEvaluator", "NetworkEvaluator"),
        ("    off = 2", "    none = 2", "LegalActions"),
        ("    def select(self) -> bool: ...", "", "select"),
        ("def roots(self)", "def rooms(self)", "rooms"),
        ("    @property\n    def roots", "    def roots", "roots"),
        ("def tree(self, root: int)", "def tree(self, row: int)", "SearchCore.tree"),
        ("def tree(self, root: int)", "def tree(self, root: int = 0)", "SearchCore.tree"),
        ("def tree(self, root: int)", "def tree(self, root: str)", "SearchCore.tree"),
        ("capacity: int) -> None", "capacity: int) -> int", "NetworkEvaluator.reset"),
        ("slot: I32", "slot: F32", "NetworkEvaluator.expand_all"),
        ("        *,\n        width", "        width", "NetworkEvaluator.__init__"),
    ],
)
def test_a_change_of_either_side_is_named(old, new, named):
    assert old in STUB
    assert any(named in difference for difference in differences(STUB.replace(old, new)))
