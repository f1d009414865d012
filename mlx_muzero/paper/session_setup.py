"""Builds a session and its feed from settings."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlx_muzero.config.schema import Config, MarketConfig
from mlx_muzero.errors import ConfigError, DataError
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.history import load_history
from mlx_muzero.market.instrument import Market
from mlx_muzero.market.series import (
    BOOK_IMBALANCE,
    FUNDING_ANNOUNCED,
    FUNDING_RATE,
    MACRO,
    OF_BARS,
    Series,
    SeriesByName,
)
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.batched_search import Trader
from mlx_muzero.paper.feeds.feed import Feed
from mlx_muzero.paper.observation import Observer
from mlx_muzero.paper.planner import Planner
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.limits import NO_LIMITS
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.trading.session_clock import SessionClock
from mlx_muzero.venues.by_name import OANDA, exchange, oanda
from mlx_muzero.venues.hours import (
    dealer_hours,
    dealer_market,
    exchange_hours,
    market_of,
)
from mlx_muzero.venues.names import exchange_of

_CODES_OF_0_1_0 = frozenset(
    ("USD", "EUR", "JPY", "GBP", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "DKK", "SGD", "HKD",
     "CNH", "MXN", "ZAR", "TRY", "PLN", "CZK", "HUF", "XAU", "XAG")
)  # fmt: skip


def market_of_pair(config: Config, settings: PaperSettings, symbol: str) -> MarketConfig:
    """The run's market for `symbol`, with the run's pip if it was trained on it, else its own.

    Raises:
        ConfigError: the run's networks know their pairs, and `symbol` is not among them.
    """
    market = config.market
    if market.features == "crypto":
        if Symbol(symbol) not in market.pairs:
            raise ConfigError(f"{symbol}: the run was trained on {market.label} only")
        return market
    if Symbol(symbol) == market.symbol:
        return market
    pip_size = settings.pips.get(symbol) or _pip_of_0_1_0(symbol) or market.pip_size
    return replace(market, symbol=Symbol(symbol), pip_size=pip_size)


def _pip_of_0_1_0(symbol: str) -> float | None:
    """Pip size used by sessions of 0.1.0, which store none, for a currency pair."""
    pair = Symbol(symbol).pair
    if pair is None or not _CODES_OF_0_1_0.issuperset((pair.base, pair.quote)):
        return None
    return 0.01 if pair.quote == "JPY" else 0.0001


def calendars_of(settings: PaperSettings) -> dict[str, Market]:
    """Which calendar each symbol follows at the feed; a replay follows its store.

    Raises:
        DataError: the replayed store cannot be read.
    """
    feed = settings.session.feed
    if feed == "replay":
        with BarStore(settings.session.database, read_only=True) as store:
            known = {symbol: store.find_instrument(symbol) for symbol in settings.pairs}
        return {
            symbol: found.market if found else market_of(symbol) for symbol, found in known.items()
        }
    if feed == "oanda":
        return {symbol: dealer_market(symbol) for symbol in settings.pairs}
    return dict.fromkeys(settings.pairs, "crypto")


def keeps_fx_week(settings: PaperSettings) -> bool:
    """Whether all pairs keep the FX week; without stored calendars, judged by their names."""
    return all(settings.calendars.get(pair, market_of(pair)) == "fx" for pair in settings.pairs)


def rules_of_pair(config: Config, settings: PaperSettings, symbol: str) -> TradingRules:
    """The run's rules at the session's costs; it watches its limits itself, when it decides."""
    market = market_of_pair(config, settings, symbol)
    rules = TradingRules.from_config(replace(config, market=market))
    fills = settings.fills
    at_costs = replace(
        rules,
        costs=fills.costs(market.pip_size),
        swap=fills.swap,
        funding=fills.funded,
        limits=NO_LIMITS,
    )
    return with_entries(at_costs, settings, config.market)


def with_entries(
    rules: TradingRules, settings: PaperSettings, market: MarketConfig
) -> TradingRules:
    """`rules` with the entries that `settings` allow in sessions of the training's `market`."""
    entries = settings.risk.max_entries
    session_bars = market.session_bars if entries else 0
    return replace(rules, max_entries=entries, session_bars=session_bars)


def account_of_pair(config: Config, settings: PaperSettings, symbol: str) -> PairAccount:
    """A new account under the session's rules."""
    rules = rules_of_pair(config, settings, symbol)
    counts = settings.risk.max_entries or config.trading.max_entries
    clock = SessionClock.of(config.market) if counts else None
    return PairAccount(symbol, rules, settings.account.notional, settings.fills, clock)


def make_session(
    settings: PaperSettings,
    config: Config,
    planner: Planner,
    begin_ns: int,
    series: Mapping[str, SeriesByName] | None = None,
) -> Session:
    """Make a session that has seen no bars yet.

    Args:
        settings: the session's settings.
        config: the training run's configuration.
        planner: decides.
        begin_ns: bars that close by then are history.
        series: series of each pair in addition to its bars, where a replay has them.
    """
    traders = {}
    for symbol in settings.pairs:
        account = account_of_pair(config, settings, symbol)
        beside = (series or {}).get(symbol)
        observer = Observer(market_of_pair(config, settings, symbol), symbol, beside)
        traders[symbol] = Trader(account, observer)
    table = next(iter(traders.values())).account.core.rules.table
    return Session(settings, table, traders, planner, begin_ns)


def replayed_series(settings: PaperSettings, config: Config) -> dict[str, SeriesByName]:
    """Each pair's series in the replayed store, in addition to bars; empty for a live feed.

    Covers all bars, since a replay plays other bars than the run was trained on.
    """
    if settings.session.feed != "replay":
        return {}
    with BarStore(settings.session.database, read_only=True) as store:
        return {
            symbol: load_history(store, symbol, replace(market, first_utc="", end_utc="")).series
            for symbol, market in (
                (symbol, market_of_pair(config, settings, symbol)) for symbol in settings.pairs
            )
        }


def wanted_series(config: Config, settings: PaperSettings) -> tuple[str, ...]:
    """Series of a pair that a session needs, if they can be had."""
    if config.market.features != "crypto":
        return ()
    # Settlements are paid whether they are observed or not.
    follows = settings.fills.funded.follows_settlements
    announced = [FUNDING_ANNOUNCED] if follows else []
    return tuple(dict.fromkeys((FUNDING_RATE, *announced, *config.market.context)))


def macro_reader(database: str, names: Sequence[str]) -> Callable[[], Mapping[str, Series]]:
    """Make a function that reads macro series, from the store only if that has changed.

    The function raises DataError if the store cannot be read, as while another process writes.
    """
    read_at, found = -1, dict[str, Series]()

    def read() -> Mapping[str, Series]:
        nonlocal read_at, found
        try:
            changed_at = Path(database).stat().st_mtime_ns
        except OSError as error:
            raise DataError(f"{database} cannot be read: {error.strerror}") from error
        if changed_at == read_at:
            return found
        with BarStore(database, read_only=True) as store:
            found = {name: store.load_series(MACRO, name) for name in names}
        read_at = changed_at
        return found

    return read


def make_feed(
    settings: PaperSettings,
    history_bars: int,
    series: Sequence[str] = (),
    macro: tuple[str, ...] = (),
    *,
    spread_observed: bool = False,
) -> Feed:
    """Make the feed named in `settings`.

    Args:
        settings: the session's settings.
        history_bars: number of bars a replay starts before its first decision.
        series: series wanted of each pair; a live feed delivers those that its venue has.
        macro: macro series wanted; a live feed delivers those in the session's store.
        spread_observed: bars come with their quoted spread, where known.

    Raises:
        FeedError: the feed does not exist, or something it needs is missing.
        DataError: the replayed store lacks the bars.
    """
    wanted, quoted = settings.session, settings.fills.cost == "quotes"
    if wanted.feed == "replay":
        from mlx_muzero.paper.feeds.replay import ReplayFeed

        start_ns = begin_of_replay_ns(settings)
        return ReplayFeed.from_store(
            wanted.database,
            list(settings.pairs.values()),
            start_ns - 2 * history_bars * MINUTE_NS if start_ns else None,
            utc_ns(wanted.replay_to) if wanted.replay_to else None,
            wanted.speed or math.inf,
            paced_from_ns=start_ns,
            quoted=quoted,
            observed=spread_observed,
        )
    from mlx_muzero.paper.feeds.live import LiveFeed

    if wanted.feed == OANDA:
        return LiveFeed(oanda(quoted=quoted or spread_observed), hours=dealer_hours)
    source = exchange(exchange_of(wanted.feed))
    has = {pair: source.series_of(pair) for pair in settings.pairs.values()}
    wanted_of = {pair: [name for name in series if name in names] for pair, names in has.items()}
    # What ccxt streams lacks the volume that takers bought and the number of trades, and may be
    # there before the last second of the minute's book.
    of_requests = {*OF_BARS, BOOK_IMBALANCE}
    requested = any(of_requests.intersection(names) for names in wanted_of.values())
    push = source if source.pushes and not requested else None
    return LiveFeed(
        source,
        push,
        hours=exchange_hours,
        series=source,
        books=source,
        announcing=source,
        wanted=wanted_of,
        macro=macro if wanted.database else (),  # sessions before 0.3.0 name none
        read_macro=macro_reader(wanted.database, macro),
    )


def begin_of_replay_ns(settings: PaperSettings) -> int:
    """End of a replay's history; 0 if it has none."""
    return utc_ns(settings.session.replay_from) if settings.session.replay_from else 0
