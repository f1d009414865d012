"""The reference of every command, from the command line itself.

Commands are Typer's, which has a Click of its own or the installed one, as its version goes: they
are known here by what both have.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docsite.markdown import code, page, prose, table


def commands_page(root: Any, name: str) -> str:
    """The page of the command `root`, called `name`, and of all commands below it."""
    found = list(_contexts(root, name))
    index = [
        (f"[`{each.command_path}`](#{_anchor(each)})", prose(_first_line(each.command)))
        for each in found[1:]
    ]
    return page(
        "Commands",
        f"Everything that `{name} --help` and the help of each command say.",
        table(("Command", "What it does"), index),
        *(block for each in found for block in _blocks(each)),
    )


def _contexts(command: Any, name: str, parent: Any = None) -> Iterator[Any]:
    """The command and all below it, depth first, in the order of the help, each in a context."""
    context = command.context_class(command, info_name=name, parent=parent)
    yield context
    for below, found in getattr(command, "commands", {}).items():
        if not found.hidden:
            yield from _contexts(found, below, context)


def _blocks(context: Any) -> Iterator[str]:
    command = context.command
    depth = context.command_path.count(" ")
    yield f"{'#' * min(2 + depth // 2, 3)} {context.command_path} {{ #{_anchor(context)} }}"
    yield prose(inspect.cleandoc(command.help or ""))
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```"
    shown = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    yield table(
        ("Argument", "Meaning"),
        ((code(each.name.upper()), prose(each.help or "")) for each in arguments),
    )
    options = [each for each in shown if each.param_type_name == "option"]
    yield table(
        ("Option", "Value", "Default", "Meaning"),
        (_option_row(each, context) for each in options if "--help" not in each.opts),
    )
    yield prose(command.epilog or "")


def _option_row(option: Any, context: Any) -> tuple[str, ...]:
    about = prose(option.help or "")
    notes = {"Required.": option.required, "May be given several times.": option.multiple}
    return (
        ", ".join(map(code, [*option.opts, *option.secondary_opts])),
        "" if option.is_flag else _value(option),
        code(_default(option, context)),
        " ".join([about, *(note for note, holds in notes.items() if holds)]),
    )


def _value(option: Any) -> str:
    """The values an option takes: its choices, a number within a range, or a type."""
    kind = option.type
    if choices := getattr(kind, "choices", ()):
        return ", ".join(code(str(choice)) for choice in choices)
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    if low is None or high is None:
        limits = f"at least {low}" if low is not None else f"at most {high}" if high else ""
    else:
        limits = f"{low} to {high}"
    return prose(", ".join(filter(None, [option.metavar or kind.name.upper(), limits])))


def _default(option: Any, context: Any) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    default = option.get_default(context, call=False)
    shown = getattr(default, "value", default)
    return str(shown) if isinstance(shown, str | int | float | Path) and shown is not False else ""


def _first_line(command: Any) -> str:
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


def _anchor(context: Any) -> str:
    return str(context.command_path).replace(" ", "-")
