"""The settings of a paper session, kept in its folder as paper.toml, every key with its range."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from math import inf
from pathlib import Path
from typing import Any, get_args, get_type_hints

import tomli_w

from mlx_muzero.config.choices import Backend
from mlx_muzero.config.keys import Key, assigned, did_you_mean, no_section, section_keys
from mlx_muzero.config.schema import TradingConfig, setting
from mlx_muzero.errors import ConfigError, SymbolError
from mlx_muzero.files.refusals import why_unreadable
from mlx_muzero.files.regular import read_text
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.instrument import Market
from mlx_muzero.paper.feeds.events import SECOND_NS
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.costs import Costs
from mlx_muzero.untrusted import toml_values

MILLISECOND_NS = SECOND_NS // 1000


@dataclass(frozen=True)
class SessionSettings:
    """What trades, and on what."""

    model: str = setting("", "folder of the training run")
    checkpoint: str = setting("", "name of its checkpoint")
    feed: str = setting("replay", "replay, ccxt:EXCHANGE or oanda")
    database: str = setting("", "bar store that is replayed")
    replay_from: str = setting("", "first decision of a replay, UTC; empty: as early as can be")
    replay_to: str = setting("", "end of a replay, UTC; empty: the end of the store")
    speed: float = setting(0.0, "of a replay: 1 is real time; 0 as fast as can be", 0.0, 1e6)
    backend: str = setting("native", "what evaluates the search's leaves")
    simulations: int = setting(25, "simulations of one decision", 1, 100_000)
    seed: int = setting(0, "seed of the search", 0, 2**63 - 1)


@dataclass(frozen=True)
class AccountSettings:
    """The account's money, in its own currency."""

    balance: float = setting(10_000.0, "money at the start", 0.01, 1e15)
    notional: float = setting(1_000.0, "money behind exposure 1 of one pair", 0.01, 1e15)


@dataclass(frozen=True)
class FillSettings:
    """What an order pays and when it is filled; pips are the instrument's unit."""

    half_spread_pips: float = setting(2.0, "half of bid to ask, paid on each side", 0.0, 1e6)
    fee_pips: float = setting(0.0, "commission of one side", 0.0, 1e6)
    slippage_pips: float = setting(0.0, "by how much a fill is worse than the open", 0.0, 1e6)
    latency_ms: float = setting(250.0, "from sending an order to its being there", 0.0, 3.6e6)
    open_tolerance_ms: float = setting(
        10_000.0,
        "how late after a bar's open an order may be there and still get it",
        0.0,
        59_999.0,
    )
    valid_minutes: float = setting(10.0, "an order not filled by then expires", 1.0, 10_080.0)

    def costs(self, pip_size: float) -> Costs:
        """What the trading core charges: a currency pair's round trip on entry, else each fill."""
        side = self.half_spread_pips + self.fee_pips
        return Costs(2.0 * side, 0.0) if pip_size else Costs(0.0, side)

    def whole_costs(self, pip_size: float) -> Costs:
        """`costs` with the slippage, which an account sees in its prices."""
        return replace(self, fee_pips=self.fee_pips + self.slippage_pips).costs(pip_size)


@dataclass(frozen=True)
class RiskSettings:
    """Limits; docs/paper.md says what each one's baseline and reaction is."""

    max_pair_exposure: float = setting(1.0, "largest exposure of one pair", 0.0, 1e6)
    max_total_exposure: float = setting(10.0, "largest sum of exposures", 0.0, 1e6)
    max_daily_loss_frac: float = setting(0.05, "of the equity the UTC day began with", 1e-6, 1.0)
    max_drawdown_frac: float = setting(0.20, "of the highest equity", 1e-6, 1.0)
    cooldown_minutes: float = setting(
        30.0, "entries stay stopped this long after a fault or a daily loss", 0.0, 10_080.0
    )


@dataclass(frozen=True)
class TimingSettings:
    """How long the engine waits and thinks."""

    grace_ms: float = setting(
        5_000.0, "after a minute's end, for bars still missing", 0.0, 59_000.0
    )
    max_bar_age_ms: float = setting(20_000.0, "older at arrival is not traded on", 1.0, 59_000.0)
    deadline_ms: float = setting(5_000.0, "from a minute's last bar to its orders", 1.0, 59_000.0)
    min_simulations: int = setting(2, "fewest simulations when time is short", 1, 100_000)


@dataclass(frozen=True)
class PaperSettings:
    """Everything that defines a paper session.

    Attributes:
        pairs: the venue's name by symbol.
        pips: price of a pip by symbol, of pairs the model was not trained on; sessions of 0.1.0
            have none.
        calendars: which hours a pair keeps by symbol; sessions of 0.1.0 have none.
    """

    pairs: Mapping[str, str]
    pips: Mapping[str, float] = field(default_factory=dict)
    calendars: Mapping[str, Market] = field(default_factory=dict)
    session: SessionSettings = SessionSettings()
    account: AccountSettings = AccountSettings()
    fills: FillSettings = FillSettings()
    risk: RiskSettings = RiskSettings()
    timing: TimingSettings = TimingSettings()


def fills_of(trading: TradingConfig) -> FillSettings:
    """Fills that cost what a run was trained to pay."""
    if trading.actions == "fx":
        return FillSettings(half_spread_pips=trading.round_trip_cost_pips / 2.0)
    taken = 1.0 - trading.maker_frac
    return FillSettings(
        half_spread_pips=taken * trading.spread_bps / 2.0,
        fee_pips=taken * trading.taker_fee_bps + trading.maker_frac * trading.maker_fee_bps,
        slippage_pips=taken * trading.slippage_bps,
    )


def override(settings: PaperSettings, assignments: Iterable[str]) -> PaperSettings:
    """`settings` changed by assignments ``section.key=value``, as given to ``--set``.

    Values are TOML, and strings need no quotes (`config_keys.Key.parse`).

    Raises:
        ConfigError: a key or value is wrong; names it.
    """
    tables, problems = assigned(assignments, SECTIONS)
    if problems:
        raise ConfigError("\n".join(f"--set {path}: {message}" for path, message in problems))
    return _overlay(settings, tables, "--set")


def load(path: Path) -> PaperSettings:
    """The settings in the file at `path`.

    Raises:
        ConfigError: it cannot be read, or a key or value is wrong; names it.
    """
    try:
        tables = toml_values.parsed(read_text(path, most=toml_values.MOST_BYTES))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: the paper session's settings cannot be read: {why_unreadable(error)}"
        ) from error
    pairs = _checked_pairs(tables.pop("pairs", None), path)
    pips = _checked_pips(tables.pop("pips", {}), pairs, path)
    calendars = _checked_calendars(tables.pop("calendars", {}), pairs, path)
    return _overlay(PaperSettings(pairs, pips, calendars), tables, str(path))


def dumps(settings: PaperSettings) -> str:
    """`settings` as TOML, each key with its meaning and range."""
    blocks = []
    for section, keys in SECTIONS.items():
        values = asdict(getattr(settings, section))
        lines = [
            f"{tomli_w.dumps({name: values[name]}).strip()}  # {key.about}; {key.allowed}"
            for name, key in keys.items()
        ]
        blocks.append("\n".join([f"[{section}]", *lines]))
    pairs = tomli_w.dumps({"pairs": dict(settings.pairs)}).strip()
    blocks.append(f"# symbol = the venue's name\n{pairs}")
    if settings.pips:
        pips = tomli_w.dumps({"pips": dict(settings.pips)}).strip()
        blocks.append(f"# symbol = price of one pip\n{pips}")
    if settings.calendars:
        calendars = tomli_w.dumps({"calendars": dict(settings.calendars)}).strip()
        blocks.append(
            f"# symbol = fx, which closes at weekends, or crypto, which never does\n{calendars}"
        )
    return "\n\n".join(blocks) + "\n"


def _checked_pairs(pairs: object, path: Path) -> dict[str, str]:
    """The venue's name by symbol, each symbol in the spelling the session was begun with."""
    if not isinstance(pairs, dict) or not pairs:
        raise ConfigError(f"{path}: [pairs] names no pair")
    for symbol, venue in pairs.items():
        try:
            Symbol(symbol)
        except SymbolError as error:
            raise ConfigError(f"{path}: [pairs]: {error}") from error
        if not isinstance(venue, str) or not venue.isprintable():
            raise ConfigError(f"{path}: [pairs]: {symbol} has no venue's name")
    return pairs


def _checked_pips(pips: object, pairs: Mapping[str, str], path: Path) -> dict[str, float]:
    if not isinstance(pips, dict) or not pips.keys() <= pairs.keys():
        raise ConfigError(f"{path}: [pips] names another pair than [pairs]")
    for symbol, pip in pips.items():
        if not isinstance(pip, float) or not 0.0 < pip < inf:
            raise ConfigError(f"{path}: [pips]: {symbol} = {pip!r} is not the price of a pip")
    return pips


def _checked_calendars(
    calendars: object, pairs: Mapping[str, str], path: Path
) -> dict[str, Market]:
    if not isinstance(calendars, dict) or not calendars.keys() <= pairs.keys():
        raise ConfigError(f"{path}: [calendars] names another pair than [pairs]")
    for symbol, market in calendars.items():
        if market not in get_args(Market):
            raise ConfigError(f"{path}: [calendars]: {symbol} = {market!r} is not fx or crypto")
    return calendars


def _sections() -> dict[str, dict[str, Key]]:
    hints = get_type_hints(PaperSettings)
    return {
        field.name: section_keys(field.name, hints[field.name])
        for field in fields(PaperSettings)
        if field.name not in ("pairs", "pips", "calendars")
    }


SECTIONS = _sections()
"""Every key of paper.toml, by section and name."""


def _overlay(
    settings: PaperSettings, tables: Mapping[str, Mapping[str, Any]], source: str
) -> PaperSettings:
    problems = []
    for section, table in tables.items():
        if section not in SECTIONS:
            problems.append(f"{section}: {no_section(section, SECTIONS)}")
            continue
        if not isinstance(table, dict):
            problems.append(f"{section}: is a section: write [{section}], then its keys below")
            continue
        keys, values = SECTIONS[section], {}
        for name, value in table.items():
            if name not in keys:
                problems.append(f"{section}.{name}: no such key{did_you_mean(name, keys)}")
                continue
            try:
                values[name] = keys[name].check(value)
            except ValueError as error:
                problems.append(f"{section}.{name}: {error}")
        changed = replace(getattr(settings, section), **values)
        settings = replace(settings, **{section: changed})
    problems += _wrong_texts(settings.session)
    if problems:
        raise ConfigError("\n".join(f"{source}: {problem}" for problem in problems))
    return settings


def _wrong_texts(session: SessionSettings) -> Iterator[str]:
    """What is wrong with texts that are more than texts."""
    for name in ("replay_from", "replay_to"):
        try:
            utc_ns(getattr(session, name) or "1970-01-01")
        except ValueError as error:
            yield f"session.{name}: {error}"
    for name, value in asdict(session).items():
        if isinstance(value, str) and not value.isprintable():
            yield f"session.{name}: {value!r} is no text that can be printed"
    if Path(session.checkpoint).name != session.checkpoint:
        yield f"session.checkpoint: {session.checkpoint!r} is no name of a checkpoint"
    if session.backend not in get_args(Backend):
        allowed = ", ".join(get_args(Backend))
        yield f"session.backend: {session.backend!r} is not one of {allowed}"
