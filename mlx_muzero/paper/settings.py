"""Settings of a paper session, kept in its folder as paper.toml, every key with its range."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import get_args

from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.config.choices import Backend, FundingFrom, Precision, SpreadFrom
from mlx_muzero.config.keys import Problem, did_you_mean, setting, table
from mlx_muzero.config.local_times import (
    SessionBar,
    daily_times_problem,
    limit_time_problem,
    parse_limit_time,
)
from mlx_muzero.config.schema import Config, TradingConfig
from mlx_muzero.config.strict_toml import TomlSchema
from mlx_muzero.errors import SymbolError
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.instrument import Market
from mlx_muzero.paper.retraining.settings import RetrainSettings
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.costs import Costs, Swap
from mlx_muzero.trading.funding import Funding
from mlx_muzero.trading.limits import Limits


@dataclass(frozen=True)
class SessionSettings:
    """What is traded, and on which feed."""

    model: str = setting("", "folder of the training run")
    checkpoint: str = setting("", "name of its checkpoint")
    feed: str = setting("replay", "replay, ccxt:EXCHANGE or oanda")
    database: str = setting("", "bar store to replay, or with the macro series of a live session")
    replay_from: str = setting("", "first decision of a replay, UTC; empty = earliest possible")
    replay_to: str = setting("", "end of a replay, UTC; empty = end of the store")
    speed: float = setting(0.0, "replay speed: 1 = real time, 0 = as fast as possible", 0.0, 1e6)
    backend: str = setting("native", "backend that evaluates the search's leaves")
    root_backend: str = setting("auto", "backend that evaluates roots; auto: what suits the leaves")
    precision: str = setting(
        "", "number format of the native backend's products; empty = that of the training run"
    )
    simulations: int = setting(25, "simulations per decision", 1, 100_000)
    seed: int = setting(0, "seed of the search", 0, 2**63 - 1)
    accept_unknown: bool = setting(
        False, "trade though the feed lacks columns that were known in training"
    )


@dataclass(frozen=True)
class AccountSettings:
    """The account's money, in its own currency."""

    balance: float = setting(10_000.0, "money at the start", 0.01, 1e15)
    notional: float = setting(1_000.0, "money behind exposure 1 of one pair", 0.01, 1e15)


@dataclass(frozen=True)
class FillSettings:
    """What an order costs and when it is filled; pips are in the instrument's unit."""

    cost: SpreadFrom = setting(
        "fixed", "the spread paid: half_spread_pips twice, or each bar's quotes instead"
    )
    half_spread_pips: float = setting(2.0, "half the bid-ask spread, paid on each side", 0.0, 1e6)
    fee_pips: float = setting(0.0, "commission per side", 0.0, 1e6)
    fee_bps: float = setting(0.0, "commission per side, in basis points of the fill", 0.0, 1e4)
    slippage_pips: float = setting(0.0, "how much worse than the open a fill is", 0.0, 1e6)
    swap_long_pips: float = setting(
        0.0, "what a night costs a long position, at 17:00 New York; negative: earns", -1e4, 1e4
    )
    swap_short_pips: float = setting(0.0, "what a night costs a short position", -1e4, 1e4)
    funding: FundingFrom = setting(
        "settled", "what positions pay at funding times: what the venue settles, or funding_bps"
    )
    funding_at: str = setting(
        "",
        "when funding is due, for plans and funding_bps: 08:00 UTC, 00:00 12:00 UTC or every 8 h; "
        "none: no plan expects any",
    )
    funding_bps: float = setting(
        0.0, "of its value, what a long position pays then and a short one gets", -1e3, 1e3
    )
    latency_ms: float = setting(250.0, "time an order takes to reach the venue", 0.0, 3.6e6)
    open_tolerance_ms: float = setting(
        10_000.0,
        "how late after a bar's open an order may arrive and still get that open",
        0.0,
        59_999.0,
    )
    valid_minutes: float = setting(10.0, "an order not filled by then expires", 1.0, 10_080.0)

    def costs(self, pip_size: float) -> Costs:
        """What the trading core charges: currency pairs a round trip on entry, others each fill."""
        quoted = self.cost == "quotes"
        side = self.fee_pips if quoted else self.half_spread_pips + self.fee_pips
        if pip_size:
            return Costs(2.0 * side, self.fee_bps, quoted)
        return Costs(0.0, side + self.fee_bps, quoted)

    @property
    def swap(self) -> Swap:
        """What holding overnight costs."""
        return Swap(self.swap_long_pips, self.swap_short_pips)

    @property
    def funded(self) -> Funding:
        """What holding costs when funding is due."""
        return Funding.of(self.funding, self.funding_at, self.funding_bps)

    def whole_costs(self, pip_size: float) -> Costs:
        """`costs` including slippage, which an account sees in its prices."""
        return replace(self, fee_pips=self.fee_pips + self.slippage_pips).costs(pip_size)


@dataclass(frozen=True)
class RiskSettings:
    """Limits; docs/paper.md gives the baseline and reaction of each."""

    max_pair_exposure: float = setting(1.0, "largest exposure of one pair", 0.0, 1e6)
    max_total_exposure: float = setting(10.0, "largest sum of exposures", 0.0, 1e6)
    flat_by: str = setting(
        "",
        "from when every pair must be flat: 16:00 Europe/London (to midnight there) or "
        "16:55-17:05 America/New_York; none: never",
    )
    no_entries: str = setting("", "from when no position may be opened or grow, written likewise")
    max_entries: int = setting(
        0, "entries of a pair in a session as long as those of the training; 0 = any", 0, 100
    )
    max_daily_loss_frac: float = setting(
        0.05, "largest loss in a UTC day, as a fraction of its starting equity", 1e-6, 1.0
    )
    max_drawdown_frac: float = setting(
        0.20, "largest drawdown, as a fraction of the highest equity", 1e-6, 1.0
    )
    leverage: float = setting(
        0.0, "notional that the venue lets one unit of equity carry; 0 = no margin", 0.0, 1_000.0
    )
    stop_out_frac: float = setting(
        0.5, "equity over the margin used, below which the venue closes everything", 0.01, 1.0
    )
    cooldown_minutes: float = setting(
        30.0, "how long entries stay stopped after a fault or a daily loss", 0.0, 10_080.0
    )

    @property
    def limits(self) -> Limits:
        """When and how large the position of a pair may be."""
        return Limits.of(self.flat_by, self.no_entries, self.max_pair_exposure)


@dataclass(frozen=True)
class TimingSettings:
    """How long the engine waits and plans."""

    grace_ms: float = setting(5_000.0, "wait for missing bars after a minute's end", 0.0, 59_000.0)
    max_bar_age_ms: float = setting(
        20_000.0, "bars older than this are not traded on", 1.0, 59_000.0
    )
    deadline_ms: float = setting(
        5_000.0, "time from a minute's last bar to its orders", 1.0, 59_000.0
    )
    min_simulations: int = setting(2, "fewest simulations when time is short", 1, 100_000)


@dataclass(frozen=True)
class PaperSettings:
    """Everything that defines a paper session.

    Attributes:
        pairs: the venue's name of each symbol.
        pips: price of a pip of each symbol the model was not trained on; absent in sessions of
            0.1.0.
        calendars: trading calendar of each symbol; absent in sessions of 0.1.0.
    """

    pairs: Mapping[str, str] = table("symbol = the venue's name", required=True)
    pips: Mapping[str, float] = table("symbol = price of one pip")
    calendars: Mapping[str, Market] = table(
        "symbol = fx, which closes at weekends, or crypto, which never does"
    )
    session: SessionSettings = SessionSettings()
    account: AccountSettings = AccountSettings()
    fills: FillSettings = FillSettings()
    risk: RiskSettings = RiskSettings()
    timing: TimingSettings = TimingSettings()
    retrain: RetrainSettings = RetrainSettings()
    alerts: AlertSettings = AlertSettings()


def fills_of(trading: TradingConfig) -> FillSettings:
    """Fill settings whose costs match those the run was trained with."""
    held = FillSettings(
        trading.cost,
        swap_long_pips=trading.swap_long_pips,
        swap_short_pips=trading.swap_short_pips,
        funding=trading.funding,
        funding_at=trading.funding_at,
        funding_bps=trading.funding_bps,
    )
    if trading.actions == "fx":
        return replace(
            held,
            half_spread_pips=trading.round_trip_cost_pips / 2.0,
            fee_bps=Costs.from_config(trading).fill_bps,
        )
    taken = 1.0 - trading.maker_frac
    return replace(
        held,
        half_spread_pips=taken * trading.spread_bps / 2.0,
        fee_pips=taken * trading.taker_fee_bps + trading.maker_frac * trading.maker_fee_bps,
        slippage_pips=taken * trading.slippage_bps,
    )


def risk_of(config: Config) -> RiskSettings:
    """Risk settings with the limits that the run was trained under.

    Where its sessions last a part of each day, positions have to be closed for the rest.
    """
    trading = config.trading
    return RiskSettings(
        max_pair_exposure=trading.max_exposure,
        max_total_exposure=trading.max_total_exposure or RiskSettings().max_total_exposure,
        flat_by=trading.flat_by or str(config.market.closed_span or ""),
        no_entries=trading.no_entries,
        max_entries=trading.max_entries,
    )


def _rule_problems(settings: PaperSettings, skip: Set[str]) -> Iterator[Problem]:
    """Problems across keys, given that each value is valid by itself; ignores keys in `skip`."""
    found = [
        *_text_problems(settings.session),
        *_funding_problems(settings.fills),
        *_limit_problems(settings.risk),
    ]
    if "pairs" not in skip:
        wrong = {path.removeprefix("pairs.") for path in skip if path.startswith("pairs.")}
        found += _table_problems(settings, settings.pairs.keys() | wrong)
    return (problem for problem in found if problem.path not in skip)


def _table_problems(settings: PaperSettings, named: Set[str]) -> Iterator[Problem]:
    """Problems in the tables of pairs; `named` holds the keys of [pairs], valid or not."""
    if not named:
        yield Problem("pairs", 'names no pair; write a line SYMBOL = "the venue\'s name" for each')
    for symbol, venue in settings.pairs.items():
        path = f"pairs.{symbol}"
        try:
            Symbol(symbol)  # kept in the spelling the session was started with
        except SymbolError as error:
            yield Problem(path, str(error))
        if not venue.isprintable():
            yield Problem(path, _unprintable(venue))
    for name in ("pips", "calendars"):
        for symbol in getattr(settings, name).keys() - named:
            hint = did_you_mean(symbol, named)
            yield Problem(f"{name}.{symbol}", f"[pairs] has no such pair{hint}")
    for symbol, pip in settings.pips.items():
        if pip <= 0.0:
            yield Problem(f"pips.{symbol}", f"{pip!r} is not a pip price, which must be above 0")


def _funding_problems(fills: FillSettings) -> Iterator[Problem]:
    """Problems in when funding is due, and at what rate."""
    if problem := daily_times_problem(fills.funding_at):
        yield Problem("fills.funding_at", problem)
    elif fills.funding == "fixed" and not fills.funding_at:
        yield Problem(
            "fills.funding",
            "a \"fixed\" funding needs its times: --set 'fills.funding_at=every 8 h'",
        )
    if fills.funding == "settled" and fills.funding_bps:
        yield Problem(
            "fills.funding_bps",
            f'{fills.funding_bps!r} is charged where fills.funding is "fixed"; what the venue '
            "settles has its own rates",
        )


def _limit_problems(risk: RiskSettings) -> Iterator[Problem]:
    """Problems in the times of limits."""
    for name in ("flat_by", "no_entries"):
        text: str = getattr(risk, name)
        if problem := limit_time_problem(text):
            yield Problem(f"risk.{name}", problem)
        elif text and isinstance(parse_limit_time(text), SessionBar):
            yield Problem(
                f"risk.{name}",
                f"{text!r} counts the bars of a session as in training, which paper trading has "
                f"not: write a local time, as --set 'risk.{name}=16:00 Europe/London', or "
                f"--set risk.{name}= for none",
            )


def _text_problems(session: SessionSettings) -> Iterator[Problem]:
    """Problems in texts that have to be more than printable."""
    for name in ("replay_from", "replay_to"):
        try:
            utc_ns(getattr(session, name) or "1970-01-01")
        except ValueError as error:
            yield Problem(f"session.{name}", str(error))
    for name, value in asdict(session).items():
        if isinstance(value, str) and not value.isprintable():
            yield Problem(f"session.{name}", _unprintable(value))
    if Path(session.checkpoint).name != session.checkpoint:
        yield Problem(
            "session.checkpoint", f"{session.checkpoint!r} is not the name of a checkpoint"
        )
    backends = get_args(Backend)
    for name in ("backend", "root_backend"):
        if (backend := getattr(session, name)) not in backends:
            hint = did_you_mean(backend, backends)
            message = f"{backend!r} is not one of {', '.join(backends)}{hint}"
            yield Problem(f"session.{name}", message)
    precisions = get_args(Precision)
    if session.precision and session.precision not in precisions:
        message = f"{session.precision!r} is not one of {', '.join(precisions)}"
        yield Problem("session.precision", message + did_you_mean(session.precision, precisions))


def _unprintable(text: str) -> str:
    return f"{text!r} is not printable text"


_SCHEMA = TomlSchema(
    PaperSettings,
    "paper session's settings",
    _rule_problems,
    align=False,
    unwritten=("retrain", "alerts"),
)

SECTIONS = _SCHEMA.sections
"""Every named key of paper.toml, by section and name."""


def override(settings: PaperSettings, assignments: Iterable[str]) -> PaperSettings:
    """Apply assignments ``section.key=value``, as given to ``--set``, to `settings`.

    Raises:
        ConfigError: lists all invalid assignments, each with its key.
    """
    return _SCHEMA.override(settings, assignments)


def load(path: Path) -> PaperSettings:
    """Read the settings in the file at `path`, which must not be a link.

    Raises:
        ConfigError: it cannot be read, or it has problems (all listed with file, line and key).
    """
    return _SCHEMA.loads(_SCHEMA.text_of(path), str(path), PaperSettings(pairs={}))


def dumps(settings: PaperSettings) -> str:
    """Write `settings` as TOML, each key with its meaning and range."""
    return _SCHEMA.dumps(settings)
