// A search tree as a nested list; branches that were hardly visited are folded at first.

const DECISION_NODE = 0;
const OPEN_SHARE = 0.05;
const OPEN_DEPTH = 3;

/** The tree of a decision, or null if the page has only the command that shows it. */
function treeOf(decisions, decision) {
  const { trees } = decisions;
  const place = trees.decision.indexOf(decision);
  if (place < 0) return null;
  const first = trees.length.slice(0, place).reduce((sum, length) => sum + length, 0);
  const length = trees.length[place];
  const cut = Object.fromEntries(
    ["parent", "kind", "edge", "visits", "prior", "value", "reward", "probability"].map((name) => [
      name,
      trees[name].subarray(first, first + length),
    ]),
  );
  const children = Array.from({ length }, () => []);
  for (let row = 1; row < length; row++) children[cut.parent[row]].push(row);
  for (const rows of children) rows.sort((a, b) => cut.visits[b] - cut.visits[a]);
  return { ...cut, children, length, whole: trees.whole[place] };
}

function treeView(decisions, tree) {
  const root = branch(decisions, tree, 0, 0);
  const left = tree.whole - tree.length;
  const told = left ? `${left.toLocaleString("en-US")} of ${tree.whole.toLocaleString("en-US")} nodes, the least visited ones, are left out.` : "";
  return [make("div", { class: "tree", tabindex: "0", role: "region", "aria-label": "Search tree" }, make("ul", {}, root)), note(told)];
}

function branch(decisions, tree, row, depth) {
  const rows = tree.children[row];
  const label = labelOf(decisions, tree, row);
  if (!rows.length) return make("li", { class: "leaf" }, label);
  const open = depth < OPEN_DEPTH && tree.visits[row] >= OPEN_SHARE * tree.visits[0];
  const list = make("ul");
  const grow = () => {
    if (!list.childElementCount) list.append(...rows.map((child) => branch(decisions, tree, child, depth + 1)));
  };
  if (open) grow(); // the others grow when they are opened
  return make("li", {}, make("details", { open, toggle: grow }, make("summary", {}, label), list));
}

function labelOf(decisions, tree, row) {
  const share = percent(tree.visits[row] / tree.visits[0]);
  const value = number(tree.value[row], 2, true);
  if (row === 0) return [make("b", {}, "now"), `  ${tree.visits[0].toLocaleString("en-US")} visits, value ${value}`];
  if (tree.kind[row] === DECISION_NODE) {
    const name = decisions.outcomes[tree.edge[row]];
    const chance = percent(tree.probability[row]);
    return [make("b", {}, name), ` ${chance}, value ${value}, visits ${share}, reward ${number(tree.reward[row], 2, true)}`];
  }
  const name = make("b", { class: "action" }, decisions.actions[tree.edge[row]]);
  const prior = known(tree.prior[row]) ? `, prior ${percent(tree.prior[row])}` : "";
  return [name, ` worth ${value}${prior}, visits ${share}`];
}
