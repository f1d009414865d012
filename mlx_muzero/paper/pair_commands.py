"""Commands to one pair of a session: what each may do, and what follows, as its answer says it."""

from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.mode import Mode, PairCommand
from mlx_muzero.runlog.control import Refusal

PAIR_COMMANDS: tuple[PairCommand, ...] = ("close", "exclude", "include")


def consequence(name: PairCommand, account: PairAccount, mode: Mode) -> str:
    """What follows from a command to the pair of `account`, in words.

    Raises:
        Refusal: it cannot be done now; says what can.
    """
    pair, held = account.pair, account.exposure
    if name == "include":
        if pair not in mode.excluded:
            raise Refusal(f"{pair} is not excluded")
        return f"{pair} is planned for and traded again from its next bar on."
    if name == "close" and mode.halted:
        raise Refusal("nothing is traded while the session is halted: `resume` or `flatten` first")
    canceled = "" if account.order is None else "its pending order is canceled; "
    if not held:
        then = "it holds nothing, and"
    elif name == "close":
        then = f"its position of {held:+g} is closed at its next bar's open, and then"
    else:
        then = f"its position of {held:+g} stays open and is marked until `close`, and"
    return f"{pair}: {canceled}{then} it is not planned for or traded until `include`."
