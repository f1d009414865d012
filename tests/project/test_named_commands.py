"""Commands that messages name can be typed as they stand: right verbs and options, quoted."""

import ast
import re
import shlex

import pytest

from command_lines import named_verb, options_of, parse
from folders import ROOT
from mlx_muzero.market.store.location import DEFAULT_DATABASE, in_store
from mlx_muzero.words import command
from muzero_cli.verb_table import VERBS

FILES = sorted([*ROOT.glob("mlx_muzero/**/*.py"), *ROOT.glob("apps/**/*.py")])
MAKERS = ("command", "words.command")
FILLED = "\0"
PASTED = re.compile(
    rf"mlx-muzero (?:{'|'.join(VERBS)})(?: [a-z-]+)?(?: (?:--[a-z-]+|[A-Z]+))*[ ='\"]*{FILLED}"
)
"""A command written out, with a word pasted into it."""
NAMED = re.compile(rf"mlx-muzero ((?:{'|'.join(VERBS)})\b[^.,;:()`\n]*)")


def docstrings(tree):
    """The constants that are docstrings, or stand alone like one."""
    return {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}


def texts(tree):
    """Every text that the code of `tree` makes, with FILLED for what is filled in."""
    left_out, parts = docstrings(tree), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts |= set(map(id, node.values))
            yield "".join(v.value if isinstance(v, ast.Constant) else FILLED for v in node.values)
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and id(node) not in left_out | parts:
            yield text


def calls(tree):
    """Every call of `command`, and its words: a stand-in for each that is known when it runs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in MAKERS:
            yield node, [word for argument in node.args for word in stands_for(argument)]


def names_in(tree):
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def stands_for(argument):
    if isinstance(argument, ast.Constant):
        return [argument.value]
    if not isinstance(argument, ast.Starred):
        return ["STAND-IN"]
    return ["--db", "STORE"] if "in_store" in ast.unparse(argument) else []


def test_commands_are_made_by_the_function_that_quotes():
    wrong = [
        (str(file.relative_to(ROOT)), pasted)
        for file in FILES
        for text in texts(ast.parse(file.read_text()))
        for pasted in PASTED.findall(text)
    ]
    assert wrong == []


def test_commands_that_messages_name_exist():
    count = 0
    for file in FILES:
        tree = ast.parse(file.read_text())
        for _, words in calls(tree):
            if len(words) > 1 and "STAND-IN" not in words[: 2 if words[0] == "paper" else 1]:
                parse([word for word in words if word != "--at"], any_value=True)
                count += 1
        for named in (name for text in texts(tree) for name in NAMED.findall(text)):
            words = named.split()
            options = {word for word in words if word.startswith("--")}
            assert options <= options_of(named_verb(words)), (file, named)
            count += 1
    assert count > 40


def test_commands_on_bars_name_the_store():
    def on_bars(words):
        return words[:1] == ["data"] or "--symbol" in words

    trees = {file: ast.parse(file.read_text()) for file in FILES}
    named = [
        (str(file.relative_to(ROOT)), ast.unparse(node))
        for file, tree in trees.items()
        for node, words in calls(tree)
        if on_bars(words) and not {"in_store", "there"} & names_in(node)
    ]
    written = [
        (str(file.relative_to(ROOT)), words)
        for file, tree in trees.items()
        for text in texts(tree)
        for words in NAMED.findall(text)
        if on_bars(words.split())
    ]
    assert (named, written) == ([], [])


def test_words_are_quoted_and_a_store_is_named_unless_it_is_the_default():
    made = command("data", "rename", "BTCUSDT", "NAME", *in_store("my data/other.duckdb"))
    assert made == "mlx-muzero data rename BTCUSDT NAME --db 'my data/other.duckdb'"
    assert shlex.split(made)[-1] == "my data/other.duckdb"
    assert in_store(None) == in_store(DEFAULT_DATABASE) == in_store(str(DEFAULT_DATABASE)) == ()


@pytest.mark.parametrize("wrong", ["data forget X", "data rename X --too Y", "evaluate X --splits"])
def test_a_wrong_command_would_be_noticed(wrong):
    with pytest.raises(Exception, match=r"forget|No such option"):
        parse(shlex.split(wrong), any_value=True)
