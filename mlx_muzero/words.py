"""How numbers of things are told."""


def counted(count: int, what: str) -> str:
    """The number and its noun, in the plural unless it is one: "1 session", "1,200 sessions"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
