"""The reward audit as a table and in words."""

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.evaluation.reward_audit import RewardAudit, SchemeAudit


def audit_tables(audit: RewardAudit, model: ModelConfig) -> Group:
    """Policies by net pips, what each scheme pays them, and what that means for `model`."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("policy")
    table.add_column(f"net {audit.unit}/session", justify="right")
    for scheme in audit.schemes:
        table.add_column(scheme, justify="right")
    by_pips = sorted(audit.policies.items(), key=lambda item: -item[1].net_pips)
    orders = {scheme: _order(audit, scheme) for scheme in audit.schemes}
    for name, earned in by_pips:
        paid = (
            f"{earned.reward[scheme]:+.3g} ({orders[scheme].index(name) + 1}.)"
            for scheme in audit.schemes
        )
        table.add_row(name, f"{earned.net_pips:+.1f}", *paid)
    lines: list[Text] = []
    for scheme, judged in audit.schemes.items():
        correlation = judged.rank_correlation
        shown = "undefined" if correlation is None else f"{correlation:+.2f}"
        lines.append(
            Text(f"\n{scheme}: rank correlation with net {audit.unit} {shown}.", style="bold")
        )
        words = judged.degenerate or (
            "It pays no policy here more than a policy that earns more without seeing the future.",
        )
        lines += [Text(sentence) for sentence in words]
        lines.append(_support(judged, model))
    about = f"{audit.pairs}, {audit.sessions:,} sessions; mean reward per session and its rank."
    return Group(table, Text(about, style="dim"), *lines)


def _order(audit: RewardAudit, scheme: str) -> list[str]:
    """Policies by what `scheme` pays them, highest first."""
    return sorted(audit.policies, key=lambda name: -audit.policies[name].reward[scheme])


def _support(judged: SchemeAudit, model: ModelConfig) -> Text:
    low, high = judged.returns
    returns = f"Discounted returns from {low:+.3g} to {high:+.3g}"
    support = f"the value support, {model.value_min:+g} to {model.value_max:+g}"
    if model.value_min <= low and high <= model.value_max:
        return Text(f"{returns}: within {support}.")
    return Text(
        f"{returns}: beyond {support}; widen it with model.value_min and model.value_max.",
        style="yellow",
    )
