// Light or dark: as the system says, until the reader chooses.

const CHOSEN = "mlx-muzero-theme";
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

/** The colour of the policy at `place`: the judged one is the first. */
function policyColour(place) {
  return place === 0 ? "judged" : `other-${((place - 1) % 6) + 1}`;
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
