// Light or dark: as the system says, until the reader chooses.

const CHOSEN = "mlx-muzero-theme";
const OTHERS = 6;
/* Colours of policies beside the judged one, in the style sheet. */
const DASHES = [
  { line: LightweightCharts.LineStyle.Solid, array: "none", border: "solid" },
  { line: LightweightCharts.LineStyle.Dashed, array: "7 4", border: "dashed" },
  { line: LightweightCharts.LineStyle.Dotted, array: "2 3", border: "dotted" },
  { line: LightweightCharts.LineStyle.LargeDashed, array: "14 5", border: "double" },
];
/* Lines of one colour: as the chart library, SVG and the legend write them. */
const system = matchMedia("(prefers-color-scheme: dark)");
const followers = [];

function stored() {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    return null; // a page may be opened where nothing can be kept
  }
}

function keep(theme) {
  try {
    localStorage.setItem(CHOSEN, theme);
  } catch {
    // it then holds until the page is closed
  }
}

function theme() {
  return document.documentElement.dataset.theme;
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  const other = name === "dark" ? "light" : "dark";
  const button = document.getElementById("theme");
  button.textContent = other === "dark" ? "Dark" : "Light";
  button.setAttribute("aria-label", `Use the ${other} theme`);
  for (const follow of followers) follow();
}

function beginTheme() {
  const button = document.getElementById("theme");
  button.addEventListener("click", () => {
    const next = theme() === "dark" ? "light" : "dark";
    keep(next);
    setTheme(next);
  });
  system.addEventListener("change", () => stored() ?? setTheme(system.matches ? "dark" : "light"));
  setTheme(stored() ?? (system.matches ? "dark" : "light"));
}

/** Call `follow` whenever the theme changes. */
function onTheme(follow) {
  followers.push(follow);
}

/** The value of a colour of the style sheet, such as "ink". */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The pen of the policy at `place`, the judged one first: a colour, and dashes once colours recur. */
function policyPen(place) {
  if (place === 0) return { colour: "judged", ...DASHES[0] };
  const turn = Math.floor((place - 1) / OTHERS) % DASHES.length;
  return { colour: `other-${((place - 1) % OTHERS) + 1}`, ...DASHES[turn] };
}

/** A piece of the pen's line, for a legend. */
function penMark(pen) {
  const mark = make("i");
  mark.style.color = `var(--${pen.colour})`;
  mark.style.borderTopStyle = pen.border;
  return mark;
}

/** What every chart of the library looks like. */
function chartLook() {
  return {
    layout: {
      background: { color: colour("panel") },
      textColor: colour("muted"),
      fontFamily: getComputedStyle(document.body).fontFamily,
      attributionLogo: false, // the footer has the notice and the link
      panes: { separatorColor: colour("line"), separatorHoverColor: colour("sunk") },
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("line") } },
    rightPriceScale: { borderColor: colour("line") },
    timeScale: { borderColor: colour("line") },
  };
}
