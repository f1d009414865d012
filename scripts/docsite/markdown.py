"""Text and tables in Markdown."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that may hold Markdown; empty without rows."""
    lines = [_row(cells) for cells in rows]
    return "\n".join([_row(header), "|---" * len(header) + "|", *lines]) if lines else ""


def code(text: str) -> str:
    """`text` as inline code; nothing for empty text."""
    return f"`{text}`" if text else ""


def prose(text: str) -> str:
    """Plain `text` as Markdown, with everything escaped that Markdown or HTML treats as markup."""
    for mark in "\\`*_<>[]|":
        text = text.replace(mark, f"\\{mark}")
    return text


def page(title: str, *blocks: str) -> str:
    """A page with a heading, and the blocks that are not empty."""
    return "\n\n".join([f"# {title}", *filter(None, blocks)]) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |"
