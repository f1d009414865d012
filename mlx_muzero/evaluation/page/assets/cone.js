// The cone of a decision: where its tree expected the next closes, and where they went.

const CONE = { width: 340, height: 170, left: 8, right: 246, top: 14, bottom: 140 };

/** The cone of a decision bar by bar, the nearest first; empty where its outcomes are not known. */
function coneOf({ cones }, at) {
  cones.first ??= startsOf(cones.length);
  const first = cones.first[at];
  return Array.from({ length: cones.length[at] }, (_, bar) => {
    const [mean, deviation] = [cones.mean[first + bar], cones.deviation[first + bar]];
    const reach = (deviations) => [mean - deviations * deviation, mean + deviations * deviation];
    return { mean, half: reach(cones.half), most: reach(cones.most), known: cones.known[first + bar], came: cones.came[first + bar] };
  });
}

function startsOf(lengths) {
  const first = new Int32Array(lengths.length);
  for (let i = 1; i < first.length; i++) first[i] = first[i - 1] + lengths[i - 1];
  return first;
}

/** The cone as a drawing with its text. */
function coneView(bars, unit) {
  const text = coneText(bars, unit);
  return [make("div", { role: "img", "aria-label": text }, coneDrawing(bars)), note(text)];
}

function coneText(bars, unit) {
  const last = bars.at(-1);
  const ahead = bars.length === 1 ? "The next close" : `The close ${bars.length} bars ahead`;
  const within = ([low, high]) => `${number(low, 1, true)} to ${number(high, 1, true)}`;
  const told = `${ahead} was expected at ${number(last.mean, 1, true)} ${unit}; within ${within(last.half)} at 50 % and ${within(last.most)} at 90 %`;
  const part = last.known < 0.995 ? `; the tree holds ${percent(last.known)} of what may happen until then` : "";
  return `${told}${part}. ${cameText(bars)}`;
}

function cameText(bars) {
  const came = bars.filter((bar) => known(bar.came)).length;
  if (!came) return "What came is not known.";
  if (came < bars.length) return `The line is what came; the bars end after ${came}.`;
  return `It came at ${number(bars.at(-1).came, 1, true)}. The line is what came.`;
}

function coneDrawing(bars) {
  const moves = bars.map((bar) => bar.came).filter(known);
  const reach = 1.1 * largestOf([...bars.flatMap((bar) => bar.most), ...moves].map(Math.abs));
  const middle = (CONE.top + CONE.bottom) / 2;
  const x = (bar) => CONE.left + (bar / bars.length) * (CONE.right - CONE.left);
  const y = (pips) => middle - (pips / reach) * ((CONE.bottom - CONE.top) / 2);
  const path = (values) => [0, ...values].map((pips, bar) => `${x(bar)},${y(pips)}`);
  const svg = draw("svg", { class: "plot cone", viewBox: `0 0 ${CONE.width} ${CONE.height}` });
  svg.append(draw("line", { class: "zero", x1: CONE.left, x2: CONE.right, y1: middle, y2: middle }));
  for (const [name, opacity] of [["most", 0.18], ["half", 0.32]]) {
    const [above, below] = [1, 0].map((side) => path(bars.map((bar) => bar[name][side])));
    const fan = draw("polygon", { points: [...above, ...below.reverse()].join(" "), opacity });
    fan.style.fill = "var(--accent)";
    svg.append(fan);
  }
  const mean = draw("path", { d: `M${path(bars.map((bar) => bar.mean)).join("L")}`, "stroke-width": 1.5, "stroke-dasharray": "4 3" });
  mean.style.stroke = "var(--accent)";
  svg.append(mean);
  if (moves.length) svg.append(...courseOf(moves, x, y, path(moves)));
  svg.append(...coneLabels(bars, x, y));
  return svg;
}

/** The closes that came, joined, with a dot on each. */
function courseOf(moves, x, y, points) {
  const line = draw("path", { d: `M${points.join("L")}`, "stroke-width": 2 });
  line.style.stroke = "var(--ink)";
  const dots = moves.map((pips, bar) => {
    const dot = draw("circle", { cx: x(bar + 1), cy: y(pips), r: 3.5 });
    dot.style.fill = "var(--ink)";
    return dot;
  });
  return [line, ...dots];
}

function coneLabels(bars, x, y) {
  const last = bars.at(-1);
  const edges = [["90 %", last.most[1]], ["90 %", last.most[0]]];
  const right = edges.map(([share, pips], i) =>
    draw("text", { x: CONE.right + 8, y: y(pips) + (i ? 10 : 0) }, `${share} ${number(pips, 1, true)}`),
  );
  const every = Math.ceil(bars.length / 5);
  const below = bars.flatMap((_, bar) => ((bar + 1) % every ? [] : [draw("text", { x: x(bar + 1), y: CONE.height - 10, "text-anchor": "middle" }, `+${bar + 1}`)]));
  return [...right, draw("text", { x: CONE.left, y: CONE.height - 10 }, "bars"), ...below];
}
