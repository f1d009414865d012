"""What the user decides where a file alone does not: kept with the import."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlx_muzero.market.importers.continuity import Jump
from mlx_muzero.market.importers.rejects import ANY, Allowance
from mlx_muzero.market.week_edges import Stamps


@dataclass(frozen=True)
class Choices:
    """How an import goes about what it would otherwise refuse.

    Attributes:
        replace: what is stored gives way where the file says otherwise.
        skip_bad_rows: the good rows are taken, however many others there are.
        stamps: where in its minute a bar is stamped; at its open, if nothing speaks against it.
        accept_clock: the times are read as told, whatever the weeks in the file show.
        accept_jump: prices may step from the stored ones as they never did.
    """

    replace: bool = False
    skip_bad_rows: bool = False
    stamps: Stamps | None = None
    accept_clock: bool = False
    accept_jump: bool = False

    def allowance(self, usual: Allowance) -> Allowance:
        """How many bad rows a file may have, of a kind that usually may have `usual`."""
        return ANY if self.skip_bad_rows else usual

    def accepted(
        self, replaced: int, what: str, rejected: int, jumps: Sequence[Jump] = ()
    ) -> tuple[str, ...]:
        """What came of the choices, in words, for the record.

        Args:
            replaced: stored bars or points that gave way.
            what: which of them.
            rejected: rows that were left out.
            jumps: steps between the stored prices and the file's.
        """
        notes = []
        if self.replace:
            notes.append(f"--replace: {replaced:,} stored {what} gave way")
        if self.skip_bad_rows:
            notes.append(f"--skip-bad-rows: {rejected:,} rows left out")
        if self.stamps:
            notes.append(f"--stamps {self.stamps}")
        if self.accept_clock:
            notes.append("--accept-clock")
        if self.accept_jump:
            notes += [f"--accept-jump: {jump}" for jump in jumps]
        return tuple(notes)


AS_USUAL = Choices()
"""Nothing is decided: what is in doubt is refused."""
