// The panel of the market: its chart, and buttons that do what a mouse can.

/** The panel's parts, and what brings a fill into sight. `open` is called with a fill to explain. */
function marketPanel(page, fills, open) {
  const { candles } = page;
  const spoken = "Candles with fills. The buttons step through the fills, and the table of trades lists them.";
  const host = make("div", { class: "chart market", role: "img", "aria-label": spoken });
  const readout = make("p", { class: "readout muted", "aria-hidden": "true" });
  const thinned = make("p", { class: "note" }, candles[0].note);
  let view;
  whenAttached(() => {
    view = marketView(host, candles, fills, open, (text) => (readout.textContent = text));
  });

  const select = make(
    "select",
    { "aria-label": "Symbol", change: () => choose(Number(select.value)) },
    candles.map((each, place) => make("option", { value: place }, each.symbol)),
  );

  function choose(place) {
    view.choose(place);
    view.begin();
    thinned.textContent = candles[place].note;
  }

  function step(by) {
    const found = view.neighbour(by);
    if (found) open(found);
  }

  function show(found) {
    view.show(found);
    select.value = String(found.trade.market);
    thinned.textContent = candles[found.trade.market].note;
  }

  const tool = (label, text, click) =>
    make("button", { type: "button", "aria-label": label, title: label, click }, text);
  const tools = make(
    "div",
    { class: "tools" },
    candles.length > 1 ? select : null,
    tool("Previous fill", "\u2039 Fill", () => step(-1)),
    tool("Next fill", "Fill \u203a", () => step(1)),
    tool("Earlier", "\u2190", () => view.pan(-0.5)),
    tool("Later", "\u2192", () => view.pan(0.5)),
    tool("Zoom in", "+", () => view.zoom(0.5)),
    tool("Zoom out", "\u2212", () => view.zoom(2)),
    tool("Show everything", "All", () => view.whole()),
  );
  const legend =
    "Arrows enter, up for long and down for short; circles close, squares were closed by force. " +
    "A click on one opens the decision behind it, as do its time in the table of trades and the buttons above.";
  return { parts: [tools, host, readout, note(legend), thinned], show };
}
