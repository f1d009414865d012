"""What a watch remembers when it is restarted itself, with the machine or without."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from mlx_muzero.files.regular import write_text
from mlx_muzero.runlog.kept_facts import DamagedFile, kept_facts
from mlx_muzero.untrusted.json_values import strict_json
from mlx_muzero.untrusted.shapes import count, number, record, sequence, text

FILE = "watch.json"
_MOST_BYTES = 65_536
_SHAPE = record(
    {"boot": text, "told": text, "count": count, "starts_s": sequence(number, most=1000)}
)


@dataclass
class WatchMemory:
    """What outlives a watch.

    Attributes:
        boot: the boot at which the session was last seen alive.
        told: the death that was told last.
        count: all starts ever.
        starts_s: starts within the last hour, as seconds since 1970.
    """

    boot: str = ""
    told: str = ""
    count: int = 0
    starts_s: list[float] = field(default_factory=list)

    @classmethod
    def load(cls, run: Path) -> "tuple[WatchMemory, str]":
        """What the folder `run` holds, and what is wrong with it; empty if nothing is."""
        try:
            found = kept_facts(run / FILE, _SHAPE, _MOST_BYTES)
        except FileNotFoundError:
            return cls(), ""
        except DamagedFile as damage:
            return cls(), f"{damage}; the watch begins anew"
        names = cls.__dataclass_fields__
        return cls(**{name: found[name] for name in names}), ""

    def save(self, run: Path) -> None:
        """Write it to the folder `run`.

        Raises:
            OSError: it cannot be written.
        """
        write_text(run / FILE, strict_json(asdict(self)))
