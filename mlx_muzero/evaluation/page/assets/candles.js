// The chart of the market: candles, fills as marks, and a line from each entry to its exit.

const MOST_MARKED = 1500;
/* Candles in sight above which fills would only be a blur. */
const AROUND = 45;
/* Candles on either side of a trade that is opened. */
const FILL = "fill-";

/**
 * Draws into `host`, which must be in the document.
 *
 * `opened` is called with a fill that was clicked, `told` with what the reader may want to know.
 */
function marketView(host, candles, fills, opened, told) {
  const chart = LightweightCharts.createChart(host, {
    autoSize: true,
    ...chartLook(),
    localization: { timeFormatter: atMinute },
    timeScale: { timeVisible: true, minBarSpacing: 0.02 },
    handleScroll: { vertTouchDrag: false },
    crosshair: { mode: LightweightCharts.CrosshairMode.Normal },
  });
  const series = chart.addSeries(LightweightCharts.CandlestickSeries, {
    priceLineVisible: false,
    lastValueVisible: false,
  });
  const markers = LightweightCharts.createSeriesMarkers(series, []);
  let market = null;
  let chosen = null;
  let inSight = [];
  series.attachPrimitive(heldLines(chart, series, () => inSight));

  const range = () => chart.timeScale().getVisibleLogicalRange() ?? { from: 0, to: 1 };
  const look = (from, to) => chart.timeScale().setVisibleLogicalRange({ from, to });

  /** Show the candles of the market of that number. */
  function choose(place) {
    if (market?.place === place) return;
    const { minute, bars } = barsOf(candles[place]);
    market = { place, bars, fills: fills.filter((each) => each.trade.market === place) };
    for (const { trade } of market.fills) {
      for (const end of [trade.entry, trade.exit]) end.bar ??= barAt(minute, end.minute);
    }
    const { digits } = candles[place];
    series.applyOptions({ priceFormat: { type: "price", precision: digits, minMove: 10 ** -digits } });
    series.setData(bars);
  }

  /** The first fills of the market, or its first candles. */
  function begin() {
    chosen = null;
    const first = market.fills[0]?.bar ?? AROUND;
    look(first - AROUND, first + 5 * AROUND);
    mark();
  }

  /** Bring a fill into sight, with the whole trade if that is short. */
  function show(found) {
    choose(found.trade.market);
    chosen = found;
    const { entry, exit } = found.trade;
    const whole = exit.bar - entry.bar <= 6 * AROUND;
    look((whole ? entry : found).bar - AROUND, (whole ? exit : found).bar + AROUND);
    mark();
  }

  /** The fill that many places after the chosen one; null if there is none. */
  function neighbour(by) {
    const at = market.fills.indexOf(chosen);
    return market.fills[at < 0 && by < 0 ? -1 : at + by] ?? null;
  }

  function mark() {
    const { from, to } = range();
    const near = market.fills.filter(({ bar }) => bar >= from - 2 && bar <= to + 2);
    const blurred = to - from > MOST_MARKED;
    inSight = blurred ? [] : near;
    markers.setMarkers(inSight.map((each) => markOf(each, market, each === chosen)));
    const count = near.length.toLocaleString("en-US");
    told(blurred ? `${count} fills in sight; zoom in to see each of them.` : "");
  }

  function recolour() {
    const [up, down] = [colour("up"), colour("down")];
    chart.applyOptions(chartLook());
    series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false });
    mark();
  }

  chart.timeScale().subscribeVisibleLogicalRangeChange(() => market && mark());
  chart.subscribeClick(({ hoveredObjectId }) => {
    const id = String(hoveredObjectId ?? "");
    const found = id.startsWith(FILL) ? market.fills[Number(id.slice(FILL.length))] : null;
    if (found) opened(found);
  });
  chart.subscribeCrosshairMove((moved) => {
    const bar = moved.seriesData.get(series);
    if (!bar) return;
    const prices = ["open", "high", "low", "close"].map((name) => `${name} ${number(bar[name], candles[market.place].digits)}`);
    told(`${atMinute(moved.time)}: ${prices.join(", ")}`);
  });
  choose(fills[0]?.trade.market ?? 0);
  recolour();
  onTheme(recolour);
  begin();
  return {
    choose,
    begin,
    show,
    neighbour,
    zoom(factor) {
      const { from, to } = range();
      const [middle, half] = [(from + to) / 2, ((to - from) / 2) * factor];
      look(middle - half, middle + half);
    },
    pan(share) {
      const { from, to } = range();
      look(from + share * (to - from), to + share * (to - from));
    },
    whole: () => chart.timeScale().fitContent(),
  };
}

/** The candles of a symbol as the chart takes them. */
function barsOf({ digits, minute, open, body, above, below }) {
  const scale = 10 ** digits;
  const bars = Array.from(minute, (when, i) => {
    const close = open[i] + body[i];
    const high = Math.max(open[i], close) + above[i];
    const low = Math.min(open[i], close) - below[i];
    return { time: when * 60, open: open[i] / scale, high: high / scale, low: low / scale, close: close / scale };
  });
  return { minute, bars };
}

/** The bar that a minute lies in. */
function barAt(minutes, minute) {
  let [low, high] = [0, minutes.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (minutes[middle] <= minute) low = middle;
    else high = middle - 1;
  }
  return low;
}

function markOf(found, market, chosen) {
  const { trade, end } = found;
  const long = trade.exposure > 0;
  const entered = end === "entry";
  return {
    id: `${FILL}${market.fills.indexOf(found)}`,
    time: market.bars[found.bar].time,
    position: entered === long ? "belowBar" : "aboveBar",
    shape: entered ? (long ? "arrowUp" : "arrowDown") : trade.ending === FORCED ? "square" : "circle",
    color: colour(entered ? "accent" : trade.net >= 0 ? "gain" : "loss"),
    size: chosen ? 2 : 1,
  };
}

/** Draws the trades of `fills()`, in the colour of what they earned. */
function heldLines(chart, series, fills) {
  const draw = (target) =>
    target.useMediaCoordinateSpace(({ context }) => {
      context.lineWidth = 1.5;
      context.setLineDash([4, 3]);
      for (const trade of new Set(fills().map((each) => each.trade))) {
        context.strokeStyle = colour(trade.net >= 0 ? "gain" : "loss");
        context.beginPath();
        for (const { bar, price } of [trade.entry, trade.exit]) {
          context.lineTo(chart.timeScale().logicalToCoordinate(bar), series.priceToCoordinate(price));
        }
        context.stroke();
      }
    });
  const view = { renderer: () => ({ draw }), zOrder: () => "top" };
  return { paneViews: () => [view] };
}
