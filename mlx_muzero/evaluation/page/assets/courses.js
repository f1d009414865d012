// Equity of every policy, and below it how far each is under its peak.

const OUT_OF_SCALE = 1.5;
/* A policy that earned or lost this much more than the judged one is hidden at first. */

function coursesPanel(page) {
  const [judged] = page.courses;
  const host = make("div", { class: "chart equity", role: "img", "aria-label": spokenCourse(judged, page.unit) });
  const readout = make("p", { class: "readout muted", "aria-hidden": "true" });
  const legend = make("ul", { class: "legend" });
  whenAttached(() => {
    const shown = coursesView(host, page, (text) => (readout.textContent = text));
    legend.append(...shown.map((each) => make("li", {}, each.button)));
  });
  const told =
    `Net of costs, in ${page.unit}; pairs of the same hours together, one after another. ` +
    "Below: how far each is under its peak. Names in dashed frames are hidden; a click shows them.";
  return panel("equity", "Equity and drawdown", legend, host, readout, note(told));
}

/** Draws into `host`, and tells what is under the pointer; the series of every policy. */
function coursesView(host, page, told) {
  const [judged] = page.courses;
  const digits = largest(judged) < 100 ? 1 : 0;
  const chart = LightweightCharts.createChart(host, {
    autoSize: true,
    ...chartLook(),
    localization: { priceFormatter: (value) => number(value, digits), timeFormatter: atMinute },
    timeScale: { timeVisible: true, minBarSpacing: 0.02 },
    handleScroll: { vertTouchDrag: false },
  });
  const shown = page.courses.map((course, place) => seriesOf(chart, course, place, judged));
  const [equity, drawdown] = chart.panes();
  equity.setStretchFactor(0.72);
  drawdown.setStretchFactor(0.28);
  chart.timeScale().fitContent();
  chart.subscribeCrosshairMove(({ time: seconds, seriesData }) => {
    const [earned, below] = [shown[0].equity, shown[0].drawdown].map((each) => seriesData.get(each)?.value);
    if (!known(earned)) return;
    const under = number(-below, 1);
    told(`${atMinute(seconds)}: ${judged.name} ${number(earned, 1, true)} ${page.unit}, ${under} below its peak`);
  });
  onTheme(() => {
    chart.applyOptions(chartLook());
    for (const each of shown) each.recolour();
  });
  return shown;
}

function atMinute(seconds) {
  return `${time(seconds / 60)} UTC`;
}

function spokenCourse(course, unit) {
  const last = course.equity.at(-1);
  const deepest = largestOf(drawdowns(course.equity));
  return `Equity of ${course.name}: ${number(last, 1, true)} ${unit} in the end, at most ${number(deepest, 1)} below a peak. Figures are in the tables below.`;
}

function drawdowns(equity) {
  let peak = 0;
  return Array.from(equity, (value) => (peak = Math.max(peak, value)) - value);
}

function largest(course) {
  return Math.max(largestOf(course.equity.map(Math.abs)), 1e-9);
}

/** The two lines of a policy, and the button that shows or hides them. */
function seriesOf(chart, course, place, judged) {
  const outOfScale = !course.shown && place > 0 && largest(course) > OUT_OF_SCALE * largest(judged);
  const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: place === 0 };
  const width = place === 0 ? 3 : 1;
  const equity = chart.addSeries(LightweightCharts.LineSeries, { ...quiet, lineWidth: width }, 0);
  const drawdown = chart.addSeries(LightweightCharts.LineSeries, { ...quiet, lineWidth: width }, 1);
  const at = (values) => Array.from(values, (value, i) => ({ time: course.minute[i] * 60, value }));
  equity.setData(at(course.equity));
  drawdown.setData(at(drawdowns(course.equity).map((value) => -value)));
  const pen = policyPen(place);
  const button = make("button", { type: "button", click: () => show(!shown) }, penMark(pen), course.name);
  let shown;
  function show(wanted) {
    shown = wanted;
    button.setAttribute("aria-pressed", String(wanted));
    for (const each of [equity, drawdown]) each.applyOptions({ visible: wanted });
  }
  function recolour() {
    for (const each of [equity, drawdown]) each.applyOptions({ color: colour(pen.colour), lineStyle: pen.line });
  }
  recolour();
  show(!outOfScale);
  return { equity, drawdown, button, recolour };
}
