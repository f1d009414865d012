"""Parses commands without running them, to check that what is written can be typed."""

from collections.abc import Sequence

from typer.core import TyperGroup
from typer.main import get_command

from muzero_cli.main import app


def verb_of(words: Sequence[str]):
    """The verb that `words` begin with (or a group of verbs), and the remaining words."""
    verb = get_command(app)
    words = list(words)
    while isinstance(verb, TyperGroup) and words and not words[0].startswith("-"):
        assert words[0] in verb.commands, words
        verb, words = verb.commands[words[0]], words[1:]
    return verb, words


def named_verb(words: Sequence[str]):
    """The verb that a sentence names, whatever follows it."""
    verb = get_command(app).commands[words[0]]
    return verb.commands.get(words[1], verb) if isinstance(verb, TyperGroup) else verb


def options_of(verb) -> set[str]:
    """The names of a verb's options."""
    return {"--help"} | {name for param in verb.params for name in param.opts}


def parse(words: Sequence[str], *, any_value: bool = False) -> None:
    """Parse a command as far as it goes, and do nothing.

    Args:
        words: after ``mlx-muzero``.
        any_value: whether any text will do as the value of an argument or option.

    Raises:
        UsageError: the verb or an option does not exist, or a value is not one of its kind.
    """
    verb, words = verb_of(words)
    if isinstance(verb, TyperGroup):
        assert not words or words[0] in options_of(verb), words
        return
    for param in verb.params:
        param.required = False  # a sentence may name a verb without all that it needs
        param.callback = None  # that a file is there
        if any_value:
            param.type_cast_value = lambda _context, value: value
    verb.make_context("mlx-muzero", words)
