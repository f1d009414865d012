"""Commands for one pair of a session: when each is allowed, and its effect in words."""

from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.mode import Mode, PairCommand
from mlx_muzero.runlog.control import Refusal

PAIR_COMMANDS: tuple[PairCommand, ...] = ("close", "exclude", "include")


def consequence(name: PairCommand, account: PairAccount, mode: Mode) -> str:
    """The effect, in words, of a command on the pair of `account`.

    Raises:
        Refusal: the command is not possible now; the message says what is.
    """
    pair, held = account.pair, account.exposure
    if name == "include":
        if pair not in mode.excluded:
            raise Refusal(f"{pair} is not excluded")
        return f"{pair} is planned and traded again from its next bar."
    if name == "close" and mode.halted:
        raise Refusal("nothing is traded while the session is halted: `resume` or `flatten` first")
    canceled = "" if account.order is None else "its pending order is canceled; "
    if not held:
        then = "it has no position and"
    elif name == "close":
        then = f"its position of {held:+g} is closed at its next bar's open; then"
    else:
        then = f"its position of {held:+g} stays open and is marked until `close`;"
    return f"{pair}: {canceled}{then} it is not planned or traded until `include`."
