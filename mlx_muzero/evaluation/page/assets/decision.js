// The decision behind a fill: shares, policy, values, outcomes, and the tree it came from.

/** What is shown of a fill, in place of what `host` showed before. */
function showDecision(host, page, found) {
  const { trade } = found;
  const heading = make("h3", { tabindex: "-1" }, `${deed(found)}, ${time(found.minute)} UTC`);
  const facts = factList({
    ...(page.candles.length > 1 ? { symbol: trade.symbol } : {}),
    price: number(found.price, page.candles[trade.market].digits),
    [`trade, net ${page.unit}`]: earned(trade.net),
    held: `${time(trade.entry.minute)} to ${time(trade.exit.minute)} (${duration(trade.minutes)})`,
    ...decided(page, found),
  });
  const close = make("button", { type: "button", "aria-label": "Close this decision", click: () => hide(host) }, "\u2715");
  const head = make("div", { class: "head" }, heading, close);
  host.replaceChildren(head, facts, ...behind(page, found).filter(Boolean));
  host.hidden = false;
  host.parentElement.classList.add("open");
  heading.focus({ preventScroll: true });
}

function decided({ decisions }, { decision }) {
  if (!decisions || decision < 0) return {};
  return {
    decided: `at the close of the bar of ${time(decisions.minute[decision])}`,
    "held before": exposure(decisions.held[decision]),
  };
}

function hide(host) {
  host.hidden = true;
  host.parentElement.classList.remove("open");
}

function earned(value) {
  return make("span", { class: sign(value) }, number(value, 1, true));
}

function factList(facts) {
  const entries = Object.entries(facts).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
  return make("dl", { class: "facts" }, entries);
}

function behind(page, found) {
  const { decisions } = page;
  if (!decisions || found.decision < 0) return [note(undecided(page, found))];
  const at = found.decision;
  return [
    actionTable(decisions, at),
    ...outcomes(page, at),
    ...treePart(page, found),
  ];
}

function undecided(page, found) {
  if (found.end === "exit" && found.trade.ending === FORCED) return "The agent did not decide this: the end of a session, a limit or a command closed the position.";
  return page.decisions ? "The decision behind this fill is not on record." : "This page holds no decisions.";
}

function actionTable(decisions, at) {
  const count = decisions.actions.length;
  const of = (name) => decisions[name].subarray(at * count, (at + 1) * count);
  const [share, prior, q] = [of("share"), of("prior"), of("q")];
  const rows = decisions.actions.map((name, action) => {
    const taken = action === decisions.taken[at];
    return make(
      "tr",
      { class: taken ? "chosen" : null },
      make("th", { scope: "row", class: "text" }, taken ? `${name} \u2713` : name),
      make("td", {}, percent(prior[action]), meter(prior[action], "before")),
      make("td", {}, percent(share[action]), meter(share[action], "")),
      make("td", {}, number(q[action], 2, true)),
    );
  });
  const heads = ["action", "policy", "searched", "worth"].map((name, i) => make("th", { scope: "col", class: i ? null : "text" }, name));
  const caption = make("caption", { class: "hidden" }, "Actions before and after the search");
  const table = make("table", {}, caption, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows));
  const values = `Value of the position: ${number(decisions.network_value[at], 2, true)} by the networks, ${number(decisions.value[at], 2, true)} after the search.`;
  const [best] = [...prior.keys()].sort((a, b) => prior[b] - prior[a]);
  const overruled = best === decisions.wanted[at] ? "" : ` The search overruled the policy, which preferred ${decisions.actions[best]}.`;
  const limited = decisions.wanted[at] === decisions.taken[at] ? "" : ` It chose ${decisions.actions[decisions.wanted[at]]}, which was not played.`;
  return make("div", {}, make("div", { class: "scroll" }, table), note(values + overruled + limited));
}

function meter(share, kind) {
  const bar = make("b");
  bar.style.width = known(share) ? `${100 * share}%` : "0";
  return make("span", { class: `meter ${kind}`, "aria-hidden": "true" }, bar);
}

/** The cone of the next closes, the chances of the next bar's outcomes, and which came. */
function outcomes(page, at) {
  const { decisions } = page;
  const unit = decisions.unit || page.unit;
  const count = decisions.outcomes.length;
  const chances = decisions.chances.subarray(at * count, (at + 1) * count);
  const [threshold, moved] = [decisions.threshold[at], decisions.moved[at]];
  if (!known(chances[0]) || !known(threshold)) return [];
  const bounds = [`above +${number(threshold, 2)}`, "between", `below \u2212${number(threshold, 2)}`];
  const told = decisions.outcomes.map((name, i) => `${name} ${percent(chances[i])} (${bounds[i]})`).join(", ");
  const text = `Next bar after this action, in ${unit}: ${told}. ${cameOut(decisions, chances, threshold, moved)}`;
  const bars = coneOf(decisions, at);
  return [...(bars.length ? coneView(bars, unit) : []), note(text)];
}

function cameOut({ outcomes }, chances, threshold, moved) {
  if (!known(moved)) return "What it did is not known.";
  const came = moved > threshold ? 0 : moved < -threshold ? 2 : 1;
  return `It moved ${number(moved, 2, true)}: ${outcomes[came]}, forecast at ${percent(chances[came])}.`;
}

function treePart(page, found) {
  const { decisions } = page;
  const tree = treeOf(decisions, found.decision);
  if (tree) return [make("h3", {}, "Search tree"), ...treeView(decisions, tree)];
  const command = decisions.commands[decisions.command[found.decision]];
  if (!command) return [];
  const timed = command.endsWith(" --at");
  const pair = page.candles.length > 1 ? ` --pair ${quoted(found.trade.symbol)}` : "";
  const at = time(decisions.minute[found.decision]).replace(" ", "T");
  return [
    make("h3", {}, "Search tree"),
    note(`Not on this page; this shows it${timed ? ", from a flat account" : ""}:`),
    make("pre", { class: "command" }, make("code", {}, timed ? `${command} ${at}${pair}` : command)),
  ];
}

/** A word as a shell takes it. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
