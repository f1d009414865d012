"""Cleaning of Rich texts, for both the screens and the command line."""

from rich.text import Text

from mlx_muzero.untrusted.terminal_text import MARK, unsafe_spans


def clean_rich(text: Text) -> Text:
    """`text` cleaned as by `clean`, with its styles; the same object if it is already clean."""
    spans = unsafe_spans(text.plain)
    if not spans:
        return text
    cleaned, end = text.blank_copy(), 0
    for start, stop in spans:
        mark = text[start:stop]
        mark.plain = MARK
        cleaned.append_text(text[end:start]).append_text(mark)
        end = stop
    return cleaned.append_text(text[end:])
