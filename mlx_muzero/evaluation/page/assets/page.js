// The page: its contents read, and one panel after another.

const NARROW = 5;
/* Columns of a table that needs no more than half of the page. */

async function begin() {
  const read = (id) => document.getElementById(id).textContent;
  const buffer = await inflated(read("packed"));
  const page = unpacked(buffer, JSON.parse(read("contents")));
  document.title = page.title;
  beginTheme();
  const content = document.getElementById("content");
  content.replaceChildren(...panels(page).filter(Boolean));
  for (const section of content.querySelectorAll("section[id]")) {
    const name = section.querySelector("h2")?.textContent.replace(/ \(.*/, "");
    if (name) document.getElementById("panels").append(make("a", { href: `#${section.id}` }, name));
  }
  await new Promise((goOn) => setTimeout(goOn)); // words first: charts of a year take a moment
  attached();
  document.getElementById("footer").append(...footer(page));
  document.body.dataset.drawn = "yes";
}

function panels(page) {
  const traded = page.trades ? tradeParts(page) : [];
  return [
    title(page),
    page.verdict && verdict(page.verdict),
    page.figures.length ? figures(page.figures) : null,
    ...page.notes.map((text) => make("p", { class: "notice" }, text)),
    page.courses.length ? coursesPanel(page) : null,
    ...traded.slice(0, 1),
    ...inPairs(page.tables.slice(0, 1).map(tablePanel)),
    ...inPairs(page.plots.map((plot) => plotPanel(plot, page.courses))),
    ...inPairs(page.tables.slice(1).map(tablePanel)),
    ...traded.slice(1),
    again(page.again),
  ];
}

/** The chart of the market with the decision beside it, and the table of trades. */
function tradeParts(page) {
  const trades = tradesOf(page);
  const fills = fillsOf(trades);
  if (!page.candles.length) return [];
  const decision = make("aside", { class: "decision", id: "decision", "aria-label": "Decision behind a fill", hidden: true });
  const market = marketPanel(page, fills, open);
  let shown = null;
  function open(found) {
    const opens = decision.hidden;
    shown = found;
    market.show(found);
    showDecision(decision, page, found);
    // The chart has become narrower, and keeps only its right edge.
    if (opens) afterLayout(() => market.show(shown));
    history.replaceState(null, "", addressOf(found));
    const box = section.getBoundingClientRect();
    if (box.top < 0 || box.top > innerHeight / 2) section.scrollIntoView();
  }
  const named = fillAt(location.hash, trades);
  if (named) whenAttached(() => open(named));
  const chart = make("div", { class: "beside" }, make("div", { class: "split" }, market.parts));
  const section = panel("market", "Market and fills", make("div", { class: "split" }, chart, decision), note(page.decisions?.note));
  return [section, tradesPanel(page, trades, open)];
}

function title(page) {
  const about = page.about.map((sentence) => make("p", { class: "note" }, sentence));
  return make("div", { class: "title" }, make("h1", {}, page.title), about);
}

function verdict({ call, reasons, looked }) {
  return make(
    "section",
    { class: "panel verdict", id: "verdict", "data-call": call, "aria-labelledby": "verdict-title" },
    make("h2", { id: "verdict-title" }, "Verdict"),
    make("p", { class: "call" }, call),
    make("ul", {}, reasons.filter(Boolean).map((reason) => make("li", {}, reason))),
    note(looked),
  );
}

function figures(entries) {
  const tiles = entries.map(([name, text]) => {
    const [value, ...rest] = text.split(" [");
    const within = rest.length ? make("small", {}, `[${rest.join(" [")}`) : null;
    return make("div", {}, make("dt", {}, name), make("dd", {}, value.replace("-", "\u2212"), within));
  });
  return make("dl", { class: "figures", "aria-label": "Figures" }, tiles);
}

function tablePanel(table) {
  const made = panel(slug(table.title), table.title, plainTable(table), note(table.note));
  made.classList.toggle("narrow", table.columns.length <= NARROW);
  return made;
}

/** Narrow panels that follow one another stand side by side where there is room. */
function inPairs(made) {
  const rows = [];
  for (const each of made) {
    const last = rows.at(-1);
    if (each.classList.contains("narrow") && last?.classList.contains("pair")) last.append(each);
    else rows.push(each.classList.contains("narrow") ? make("div", { class: "pair" }, each) : each);
  }
  return rows;
}

function again({ command, facts }) {
  return panel(
    "again",
    "How to make it again",
    make("pre", { class: "command" }, make("code", {}, command)),
    make("div", { class: "digests" }, factList(facts)),
  );
}

function footer(page) {
  const { library } = page;
  return [
    make("p", {}, `Made by mlx-muzero ${page.version}. This file fetches nothing.`),
    make("p", {}, `Charts: ${library.attribution.join(" ")} `, make("a", { href: library.link, rel: "noreferrer" }, library.link), ` ${library.name} ${library.version}, ${library.license}.`),
  ];
}

begin();
