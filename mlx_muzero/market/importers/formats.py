"""The import formats, and their detection from a file's content and name."""

import re
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import BAR_COLUMNS, PRICE_COLUMNS
from mlx_muzero.market.importers.bi5 import BI5, BI5_MAGIC
from mlx_muzero.market.importers.candle_pages import CANDLE_FORMATS, candle_format
from mlx_muzero.market.importers.column_names import OF_TICKS
from mlx_muzero.market.importers.databento import DBN_MAGIC, JSON_START
from mlx_muzero.market.importers.depth_capture import FIRST_LINE
from mlx_muzero.market.importers.fields import EPOCH
from mlx_muzero.market.importers.lean_names import is_lean, is_lean_quote
from mlx_muzero.market.importers.named_columns import (
    DATABENTO,
    NAMED_FORMATS,
    find_header,
    naming_columns,
)
from mlx_muzero.market.importers.nautilus import NAUTILUS, holds_nautilus_bars
from mlx_muzero.market.importers.nautilus_names import is_nautilus_ask
from mlx_muzero.market.importers.packed import GZIP_MAGIC, is_zip, open_text, require_file
from mlx_muzero.market.importers.series_parquet import (
    holds_freqtrade_funding,
    holds_funding,
)
from mlx_muzero.market.importers.stamp_patterns import moment_pattern
from mlx_muzero.market.importers.tick_formats import TICK_FORMATS, tick_format
from mlx_muzero.market.metrics_labels import METRICS
from mlx_muzero.market.store.arrow_files import is_feather
from mlx_muzero.market.store.foreign_file import ForeignFile
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.market.week_edges import Stamps

BINANCE_COLUMNS = (
    "open_time",
    *BAR_COLUMNS,
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)

_PARQUET_MAGIC = b"PAR1"
_FEATHER_1_MAGIC = b"FEA1"
_SNIFF_BYTES = 64 * 1024


@dataclass(frozen=True)
class TextFormat:
    """Layout of one vendor's text files.

    Attributes:
        name: name of the format.
        about: a one-line description.
        delimiter: the delimiter, one character.
        patterns: possible patterns of the stamp (see `fields.stamps`).
        stamp_fields: number of fields at the start of a row that form the stamp.
        columns: store columns of the fields after the stamp, "" for one to ignore; empty if the
            header line names them.
        clock: the files' clock, or None if it must be given or detected.
        stamps: where bars are stamped, None if that depends on the writer, as for "fxcm".
    """

    name: str
    about: str
    delimiter: bytes
    patterns: tuple[str, ...]
    stamp_fields: int
    columns: tuple[str, ...]
    clock: str | None
    stamps: Stamps | None = "open"


NINJATRADER = "ninjatrader"
KRAKEN = "kraken"
FREQTRADE_JSON = "freqtrade-json"

_ISO_STAMPS = tuple(
    f"YYYY-MM-DD{between}hh:mm:ss{zone}" for zone in ("±HH:II", "Z", "") for between in " T"
)
_MT_STAMP = ("YYYY.MM.DD,hh:mm",)

TEXT_FORMATS = {
    fmt.name: fmt
    for fmt in (
        TextFormat(
            "histdata-ascii",
            "HistData ASCII: YYYYMMDD HHMMSS;open;high;low;close;0",
            b";",
            ("YYYYMMDD hhmmss",),
            1,
            (*PRICE_COLUMNS, ""),
            "histdata",
        ),
        TextFormat(
            "histdata-mt",
            "HistData MetaTrader: YYYY.MM.DD,HH:MM,open,high,low,close,0",
            b",",
            _MT_STAMP,
            2,
            (*PRICE_COLUMNS, ""),
            "histdata",
        ),
        TextFormat(
            "mt4",
            "MetaTrader 4: YYYY.MM.DD,HH:MM,open,high,low,close,ticks",
            b",",
            _MT_STAMP,
            2,
            BAR_COLUMNS,
            None,
        ),
        TextFormat(
            "fxcm",
            "FXCM: header timestamp,open,high,low,close[,volume][,open_ask,...], UTC",
            b",",
            _ISO_STAMPS,
            1,
            (),
            "UTC",
            stamps=None,
        ),
        TextFormat(
            "binance",
            "Binance klines: 12 columns, header or none, milliseconds or microseconds",
            b",",
            (EPOCH,),
            1,
            tuple(
                {"count": "trades", "close_time": "", "ignore": ""}.get(name, name)
                for name in BINANCE_COLUMNS[1:]
            ),
            "UTC",
        ),
        TextFormat(
            NINJATRADER,
            "NinjaTrader: YYYYMMDD HHMMSS;open;high;low;close;volume, stamped at the close",
            b";",
            ("YYYYMMDD hhmmss",),
            1,
            BAR_COLUMNS,
            "UTC",
            stamps="close",
        ),
        TextFormat(
            KRAKEN,
            "Kraken OHLCVT: seconds,open,high,low,close,volume,trades",
            b",",
            (EPOCH,),
            1,
            (*BAR_COLUMNS, "trades"),
            "UTC",
        ),
        TextFormat(
            FREQTRADE_JSON,
            "freqtrade JSON: [[milliseconds,open,high,low,close,volume],...]",
            b",",
            (EPOCH,),
            1,
            BAR_COLUMNS,
            "UTC",
        ),
    )
}

AGGREGATE_TRADES = "binance-aggtrades"
FUNDING = "binance-funding"
MACRO_FIGURES = "macro"
DEPTH_CAPTURE = "depth-capture"
FUNDING_PARQUET = "funding-parquet"
FREQTRADE_FUNDING = "freqtrade-funding"
SERIES_FORMATS = {
    AGGREGATE_TRADES: "Binance aggTrades: taker-buy share and trades of every minute",
    FUNDING: "Binance fundingRate: calc_time,funding_interval_hours,last_funding_rate",
    METRICS: "Binance metrics: create_time,symbol,sum_open_interest,...",
    DEPTH_CAPTURE: "gzip of Binance's order book messages: imbalance of every minute",
    FREQTRADE_FUNDING: "freqtrade's funding rates: feather, JSON or parquet, the rate in open",
    FUNDING_PARQUET: "parquet or feather: timestamp, funding_rate [, symbol], UTC",
    MACRO_FIGURES: "macro figures: date,value,release_time",
}
"""Formats of series, each with a one-line description."""

AGGREGATE_COLUMNS = (
    "agg_trade_id",
    "price",
    "quantity",
    "first_trade_id",
    "last_trade_id",
    "transact_time",
    "is_buyer_maker",
)
SERIES_COLUMNS = {
    AGGREGATE_TRADES: AGGREGATE_COLUMNS,
    FUNDING: ("calc_time", "funding_interval_hours", "last_funding_rate"),
    METRICS: ("create_time", "symbol", "sum_open_interest"),
    MACRO_FIGURES: ("date", "value", "release_time"),
}
"""Columns that the header of each CSV format must name."""

PARQUET = "parquet"
FEATHER = "feather"
MICRO_FEATURES = "micro-features"
LEAN = "lean"
FORMATS = (
    {name: fmt.about for name, fmt in TEXT_FORMATS.items()}
    | NAMED_FORMATS
    | TICK_FORMATS
    | CANDLE_FORMATS
    | {
        PARQUET: "parquet: timestamp or date, open, high, low, close [, volume, symbol, ...]",
        FEATHER: "feather (Arrow): columns as parquet",
        NAUTILUS: "bars of a NautilusTrader catalog, .../BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL/",
        BI5: "Dukascopy bi5: SYMBOL/YEAR/MONTH/DAY/BID_candles_min_1.bi5, ASK_..., HOURh_ticks.bi5",
        LEAN: "LEAN zips: YYYYMMDD_trade.zip or _quote.zip of forex, crypto, cryptofuture, cfd",
        MICRO_FEATURES: "DuckDB table micro_features: lags of the technical features, and a close",
    }
    | SERIES_FORMATS
)
"""Every format, with a one-line description."""

_ASCII_ROW = re.compile(r"\d{8} \d{6}(?:;[^;]*){4};([^;]*)$")
_NUMBER = r"\s*,\s*-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_FREQTRADE_ROW = re.compile(
    rf"\s*\[\s*\[\s*\d{{12,13}}{_NUMBER}(?P<after_open>(?:{_NUMBER}){{4}})\s*\]"
)
_KRAKEN_ROW = re.compile(r"\d{9,10}(?:,\d[\d.eE-]*){5},\d+$")
_HISTDATA_NAME = re.compile(r"(HISTDATA|DAT_(MT|ASCII)_)", re.IGNORECASE)


def detect_format(path: Path) -> str:
    """The format of the file at `path`, from its content and, failing that, its name.

    Raises:
        DataError: the format is unknown; the message lists the known ones.
    """
    require_file(path)
    with path.open("rb") as stream:
        magic = stream.read(12)
    if is_table(path):
        return _table_format(path)
    if magic[8:12] == b"DUCK":
        return MICRO_FEATURES
    if magic.startswith(BI5_MAGIC):
        return BI5
    with open_text(path) as text:
        if is_lean(text.name):
            return LEAN
        head = text.read(_SNIFF_BYTES).decode("utf-8-sig", "replace")
    if head.startswith((DBN_MAGIC.decode(), JSON_START)):
        return DATABENTO
    if magic[:2] == GZIP_MAGIC and FIRST_LINE.match(head):
        return DEPTH_CAPTURE
    rows = [line for line in head.splitlines() if line.strip()]
    # The sniffed text may end in the middle of a row.
    name = candle_format(head) or _text_format(rows[:-1] or rows, path.name) or _named_format(head)
    if name is None:
        known = "\n".join(f"  {name}: {about}" for name, about in FORMATS.items())
        raise DataError(
            f"{path}: unknown format; {_about(path, magic, rows)}. Known:\n{known}\n"
            f"Any other text file with rows of bars is read with {naming_columns()}, where NAME is"
            " the column's name in its header or its number"
        )
    return name


def is_table(path: Path) -> bool:
    """Whether the file at `path` starts like a parquet or feather file."""
    with path.open("rb") as stream:
        return stream.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC or is_feather(path)


def _table_format(path: Path) -> str:
    with ForeignFile.table(path) as file:
        if holds_freqtrade_funding(file):
            return FREQTRADE_FUNDING
        if holds_nautilus_bars(file):
            return NAUTILUS
        if holds_funding(file):
            return FUNDING_PARQUET
    return FEATHER if is_feather(path) else PARQUET


def _about(path: Path, magic: bytes, rows: list[str]) -> str:
    """A description of a file of unknown format."""
    if path.suffix.lower() == ".zip" and not is_zip(path):
        return "it is not a zip, despite its name: download it again"
    if magic.startswith(_FEATHER_1_MAGIC):
        return "it is a feather file of version 1: write it as parquet (pandas: to_parquet)"
    if b"\0" in magic:
        return f"it is not text; it starts with {magic!r}"
    return f"its first line is {rows[0][:80] if rows else '(empty)'!r}"


def header_columns(line: str) -> tuple[str, ...] | None:
    """Columns of a header ``timestamp,open,high,low,close,...``; None if `line` is not one."""
    names = header_names(line)
    known = {*BAR_COLUMNS, *EXTRA_COLUMNS}
    if names[:1] != ("timestamp",) or not set(PRICE_COLUMNS) <= set(names):
        return None
    return tuple(name if name in known else "" for name in names[1:])


def header_names(line: str) -> tuple[str, ...]:
    """Fields of a CSV line, in lower case."""
    return tuple(cell.strip().lower() for cell in line.split(","))


def is_ask_file(path: Path) -> bool:
    """Whether the file name says that it holds ask prices (``usdjpy-m1-ask-2013.csv``)."""
    return re.search(r"(?:^|[-_. ])ask(?:[-_. ]|$)", path.name, re.IGNORECASE) is not None


def import_order(paths: list[Path]) -> list[Path]:
    """The files with quotes of LEAN after its trades, which have volumes, and ask files last.

    Ask prices are added to bid bars.
    """
    return sorted(
        paths,
        key=lambda path: (is_ask_file(path) or is_nautilus_ask(path), is_lean_quote(path)),
    )


def _text_format(rows: list[str], file_name: str) -> str | None:
    if not rows:
        return None
    if row := _FREQTRADE_ROW.match("".join(rows[:10])):
        is_funding = not any(float(value) for value in row["after_open"].split(",")[1:])
        return FREQTRADE_FUNDING if is_funding else FREQTRADE_JSON
    if header_columns(rows[0]) is not None and _is_fxcm(rows[1:]):
        return "fxcm"
    cells = rows[0].split(",")
    if tuple(cells) == BINANCE_COLUMNS or (
        len(cells) == len(BINANCE_COLUMNS) and re.fullmatch(r"\d{13}|\d{16}", cells[0])
    ):
        return "binance"
    series = _series_format(rows[0])
    if series is not None:
        return series
    # A damaged line at the top must not prevent detection.
    for line in rows[:20]:
        if _ASCII_ROW.match(line):
            # NinjaTrader writes the same layout with a volume; a damaged row tells nothing.
            volumes = [row[1] for row in map(_ASCII_ROW.match, rows) if row]
            silent = sum(volume.strip(" 0.") == "" for volume in volumes) * 2 >= len(volumes)
            is_histdata = silent or _HISTDATA_NAME.search(file_name)
            return "histdata-ascii" if is_histdata else NINJATRADER
        if re.match(r"\d{4}\.\d\d\.\d\d,\d\d:\d\d,[^,]*,[^,]*,[^,]*,[^,]*,[^,]*$", line):
            # HistData writes the same layout with a volume of zero in every row.
            silent = all(row.rsplit(",", 1)[-1].strip(" 0.") == "" for row in rows)
            return "histdata-mt" if silent or _HISTDATA_NAME.search(file_name) else "mt4"
        if _KRAKEN_ROW.match(line):
            return KRAKEN
    return tick_format(rows[:20])


def _named_format(head: str) -> str | None:
    header = find_header(head) or find_header(head, OF_TICKS)
    return None if header is None else header.format


def _is_fxcm(rows: list[str]) -> bool:
    """Whether times under a header "timestamp" are written as FXCM's, or cannot be read at all."""
    pattern = moment_pattern(row.split(",")[0].strip('"') for row in rows[:20])
    return pattern is None or pattern in _ISO_STAMPS


def _series_format(line: str) -> str | None:
    names = header_names(line)
    for name, columns in SERIES_COLUMNS.items():
        if set(columns) <= set(names):
            return name
    # Spot files have no header and one more field.
    trades = len(AGGREGATE_COLUMNS)
    if len(names) in (trades, trades + 1) and names[0].isdigit() and names[6] in ("true", "false"):
        return AGGREGATE_TRADES
    return None
