// Plots of lines over numbers, drawn as SVG: costs and calibration.

const MARGIN = { top: 12, right: 14, bottom: 42 };
const NAME_WIDTH = 28;
const DIGIT_WIDTH = 8;
/* To the left of the plot stand the axis' name, turned, and the widest of its numbers. */
const PLOT_HEIGHT = 300;
const TICKS = 5;

/** A panel with a plot, its legend, and the same figures as a table. */
function plotPanel(plot, courses) {
  const pens = pensOf(plot.lines, courses);
  const figure = make("div", { class: "plot", role: "img", "aria-label": spoken(plot) });
  const redraw = (width) => figure.replaceChildren(drawn(plot, pens, width));
  onWidth(figure, redraw);
  onTheme(() => figure.clientWidth && redraw(Math.floor(figure.clientWidth)));
  const table = plot.table
    ? make("details", {}, make("summary", {}, "The figures as a table"), plainTable(plot.table))
    : null;
  const legend = plot.lines.length > 1 ? legendOf(plot.lines, pens) : null;
  const made = panel(slug(plot.title), plot.title, legend, figure, note(plot.note), table);
  made.classList.add("narrow");
  return made;
}

function spoken(plot) {
  const names = plot.lines.map((line) => line.name).join(", ");
  return `${plot.title}: ${plot.y} by ${plot.x}, of ${names}. The table below has the figures.`;
}

/** The pens of policies as in the chart of their courses; of other lines, in order. */
function pensOf(lines, courses) {
  const places = lines.map((line) => courses.findIndex((course) => course.name === line.name));
  return places.map((place, i) => policyPen(places.includes(-1) ? i : place));
}

function legendOf(lines, pens) {
  const items = lines.map((line, i) => make("li", {}, make("span", {}, penMark(pens[i]), line.name)));
  return make("ul", { class: "legend" }, items);
}

function drawn(plot, pens, width) {
  const values = (name) => plot.lines.flatMap((line) => line[name] ?? []).filter(known);
  const band = plot.lines[0];
  const ys = [...values("y"), ...(band.low ?? []), ...(band.high ?? [])].filter(known);
  const y = scale(ys, PLOT_HEIGHT - MARGIN.bottom, MARGIN.top, plot.diagonal ? values("x") : [0]);
  const widest = Math.max(...y.ticks.map((tick) => number(tick, y.digits).length));
  const left = NAME_WIDTH + DIGIT_WIDTH * widest;
  const x = scale(values("x"), left, width - MARGIN.right, plot.diagonal ? values("y") : []);
  const svg = draw("svg", { class: "plot", viewBox: `0 0 ${width} ${PLOT_HEIGHT}`, height: PLOT_HEIGHT });
  svg.append(...axes(plot, x, y, left, width));
  if (band.low && band.high) svg.append(ribbon(band, pens[0], x, y));
  plot.lines.toReversed().forEach((line, back) => {
    const place = plot.lines.length - 1 - back;
    svg.append(...stroke(line, pens[place], place === 0 ? 2.5 : 1.5, x, y, plot.diagonal));
  });
  return svg;
}

/** Maps values onto pixels; `reach` are further values it has to hold. */
function scale(values, from, to, reach) {
  const all = [...values, ...reach];
  let low = Math.min(...all);
  let high = Math.max(...all);
  if (low === high) [low, high] = [low - 1, high + 1];
  const step = niceStep((high - low) / TICKS);
  const ticks = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let k = first; k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  const at = (value) => from + ((value - low) / (high - low)) * (to - from);
  return { at, ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), low, high };
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

function axes(plot, x, y, left, width) {
  const bottom = PLOT_HEIGHT - MARGIN.bottom;
  const parts = y.ticks.flatMap((tick) => [
    draw("line", { class: "axis", x1: left, x2: width - MARGIN.right, y1: y.at(tick), y2: y.at(tick) }),
    draw("text", { x: left - 8, y: y.at(tick) + 4, "text-anchor": "end" }, number(tick, y.digits)),
  ]);
  for (const tick of x.ticks) {
    const place = { x: x.at(tick), y: bottom + 18, "text-anchor": "middle" };
    parts.push(draw("text", place, number(tick, x.digits)));
  }
  const middle = (left + width - MARGIN.right) / 2;
  parts.push(draw("text", { x: middle, y: PLOT_HEIGHT - 6, "text-anchor": "middle" }, plot.x));
  const turned = `translate(13 ${(MARGIN.top + bottom) / 2}) rotate(-90)`;
  parts.push(draw("text", { transform: turned, "text-anchor": "middle" }, plot.y));
  if (plot.diagonal) parts.push(diagonal(x, y));
  else if (y.low < 0 && y.high > 0) {
    const zero = { class: "zero", x1: left, x2: width - MARGIN.right, y1: y.at(0), y2: y.at(0) };
    parts.push(draw("line", zero));
  }
  if (plot.marked) parts.push(...markedAt(plot.marked, x, bottom));
  return parts;
}

function diagonal(x, y) {
  const [low, high] = [Math.max(x.low, y.low), Math.min(x.high, y.high)];
  return draw("line", { class: "zero", x1: x.at(low), y1: y.at(low), x2: x.at(high), y2: y.at(high) });
}

function markedAt([value, name], x, bottom) {
  const place = x.at(value);
  const late = value > (x.low + x.high) / 2;
  return [
    draw("line", { class: "zero", x1: place, x2: place, y1: MARGIN.top, y2: bottom }),
    draw("text", { x: place + (late ? -6 : 6), y: MARGIN.top + 10, "text-anchor": late ? "end" : "start" }, name),
  ];
}

function ribbon(line, pen, x, y) {
  const edge = (values) => line.x.map((value, i) => `${x.at(value)},${y.at(values[i])}`);
  const points = [...edge(line.high), ...edge(line.low).reverse()].join(" ");
  return draw("polygon", { points, fill: colour(pen.colour), opacity: 0.14 });
}

function stroke(line, pen, width, x, y, dots) {
  const ink = colour(pen.colour);
  const path = line.x.map((value, i) => `${i ? "L" : "M"}${x.at(value)} ${y.at(line.y[i])}`).join("");
  const look = { stroke: ink, "stroke-width": width, "stroke-dasharray": pen.array, "stroke-linejoin": "round" };
  const parts = [draw("path", { d: path, ...look })];
  if (dots) {
    line.x.forEach((value, i) => {
      parts.push(draw("circle", { cx: x.at(value), cy: y.at(line.y[i]), r: 4, fill: ink }));
    });
  }
  return parts;
}
