// Trades, the fills they consist of, and their table.

const TOOK_OVER = 1;
const WENT_ON = 2;

const [FORCED, STILL_OPEN] = [1, 2];

/** The trades of the page as objects, each with its fills. */
function tradesOf(page) {
  const { trades, candles } = page;
  return Array.from(trades.market, (market, place) => {
    const scale = 10 ** -candles[market].digits;
    const trade = {
      place,
      market,
      symbol: candles[market].symbol,
      exposure: trades.exposure[place],
      gross: trades.gross[place],
      cost: trades.cost[place],
      net: trades.gross[place] - trades.cost[place],
      ending: trades.ending[place],
      resized: trades.resized[place],
      minutes: trades.exit_minute[place] - trades.entry_minute[place],
    };
    trade.entry = fill(trade, "entry", trades.entry_minute[place], trades.entry_price[place] * scale, trades.entry_decision[place]);
    trade.exit = fill(trade, "exit", trades.exit_minute[place], trades.exit_price[place] * scale, trades.exit_decision[place]);
    return trade;
  });
}

/** What a page's address ends with where a fill is open, such as "#trade-12-entry". */
function addressOf({ trade, end }) {
  return `#trade-${trade.place + 1}-${end}`;
}

/** The fill that an address names; undefined if it names none. */
function fillAt(address, trades) {
  const [, place, end] = /^#trade-(\d+)-(entry|exit)$/.exec(address) ?? [];
  return trades[Number(place) - 1]?.[end];
}

function fill(trade, end, minute, price, decision) {
  return { trade, end, minute, price, decision };
}

/** All fills in time order; where a trade only changed its size, once. */
function fillsOf(trades) {
  const found = trades.flatMap((trade) =>
    trade.resized & WENT_ON || trade.ending === STILL_OPEN ? [trade.entry] : [trade.entry, trade.exit],
  );
  return found.sort((a, b) => a.minute - b.minute || (a.end === "exit" ? -1 : 1));
}

/** What a fill did, such as "enter long". */
function deed(found) {
  const { trade, end } = found;
  if (end === "entry") return `${trade.resized & TOOK_OVER ? "resize to" : "enter"} ${exposure(trade.exposure)}`;
  if (trade.resized & WENT_ON) return `resize of ${exposure(trade.exposure)}`;
  return `${trade.ending === FORCED ? "forced close of" : "close"} ${side(trade.exposure)}`;
}

function tradesPanel(page, trades, open) {
  const several = page.candles.length > 1;
  const digits = (trade) => page.candles[trade.market].digits;
  const when = (end) => (trade) =>
    make(
      "button",
      { type: "button", "aria-label": `${deed(trade[end])}, ${time(trade[end].minute)} UTC: open it`, click: () => open(trade[end]) },
      time(trade[end].minute),
    );
  const columns = [
    { name: "#", kind: "count", value: (trade) => trade.place + 1 },
    several && { name: "symbol", value: (trade) => trade.symbol },
    { name: "side", value: (trade) => side(trade.exposure) },
    { name: "exposure", kind: "number", digits: 2, value: (trade) => trade.exposure },
    { name: "entry, UTC", kind: "count", value: (trade) => trade.entry.minute, cell: when("entry") },
    { name: "exit, UTC", kind: "count", value: (trade) => trade.exit.minute, cell: (trade) => (trade.ending === STILL_OPEN ? DASH : when("exit")(trade)) },
    { name: "held", kind: "count", value: (trade) => trade.minutes, cell: (trade) => duration(trade.minutes) },
    { name: "entry price", kind: "number", value: (trade) => trade.entry.price, cell: (trade) => number(trade.entry.price, digits(trade)) },
    { name: "exit price", kind: "number", value: (trade) => trade.exit.price, cell: (trade) => number(trade.exit.price, digits(trade)) },
    { name: `gross ${page.unit}`, kind: "number", digits: 1, signed: true, value: (trade) => trade.gross },
    { name: `cost ${page.unit}`, kind: "number", digits: 2, value: (trade) => trade.cost },
    { name: `net ${page.unit}`, kind: "number", digits: 1, signed: true, value: (trade) => trade.net },
    { name: "closed", value: (trade) => closedBy(trade) },
  ].filter(Boolean);
  const table = sortable("Trades", columns, trades);
  const told = "A trade is a stretch of constant exposure. A time opens the decision behind that fill.";
  return panel("trades", `Trades (${trades.length.toLocaleString("en-US")})`, note(told), table.element);
}

function closedBy(trade) {
  if (trade.resized & WENT_ON) return "resized";
  return ["by the agent", "by force", "still open"][trade.ending];
}
