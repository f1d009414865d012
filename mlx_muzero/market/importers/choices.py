"""What the user decides if a file is ambiguous or in doubt; recorded with the import."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlx_muzero.market.importers.continuity import Jump
from mlx_muzero.market.importers.rejects import ANY, Allowance
from mlx_muzero.market.week_edges import Stamps


@dataclass(frozen=True)
class Choices:
    """Overrides for an import that would otherwise be refused.

    Attributes:
        replace: replace stored values that differ from the file's.
        skip_bad_rows: import the good rows, however many bad ones there are.
        stamps: where bars are stamped; None for their open unless the file contradicts that.
        accept_clock: accept the given clock, whatever the weeks in the file imply.
        accept_jump: accept prices that jump from the stored ones.
        columns: columns of a text file, each what it holds and its name or number in the file.
    """

    replace: bool = False
    skip_bad_rows: bool = False
    stamps: Stamps | None = None
    accept_clock: bool = False
    accept_jump: bool = False
    columns: tuple[tuple[str, str], ...] = ()

    def allowance(self, usual: Allowance) -> Allowance:
        """How many bad rows a file may have, if `usual` is the default for its kind."""
        return ANY if self.skip_bad_rows else usual

    def accepted(
        self, replaced: int, what: str, rejected: int, jumps: Sequence[Jump] = ()
    ) -> tuple[str, ...]:
        """The overrides and their effect, in words, for the record.

        Args:
            replaced: number of stored bars or points that were replaced.
            what: "bars" or "points".
            rejected: number of rows left out.
            jumps: jumps between the stored prices and the file's.
        """
        notes = []
        if self.replace:
            notes.append(f"--replace: {replaced:,} stored {what} replaced")
        if self.skip_bad_rows:
            notes.append(f"--skip-bad-rows: {rejected:,} rows left out")
        if self.stamps:
            notes.append(f"--stamps {self.stamps}")
        if self.accept_clock:
            notes.append("--accept-clock")
        if self.columns:
            notes.append(f"--columns {','.join('='.join(pair) for pair in self.columns)}")
        if self.accept_jump:
            notes += [f"--accept-jump: {jump}" for jump in jumps]
        return tuple(notes)


AS_USUAL = Choices()
"""No overrides: whatever is in doubt is refused."""
