// Elements. What a text contains is shown letter by letter: nothing here, or anywhere on the page,
// makes markup of a string.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; attributes that are functions listen to the event of their name. */
function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same in a drawing. */
function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A panel with its heading, listed at the top of the page. */
function panel(id, title, ...children) {
  const heading = make("h2", { id: `${id}-title` }, title);
  return make(
    "section",
    { class: "panel", id, "aria-labelledby": `${id}-title` },
    make("div", { class: "head" }, heading),
    ...children,
  );
}

/** A name for the address of a panel, out of its title. */
function slug(title) {
  return title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

function note(text) {
  return text ? make("p", { class: "note" }, text) : null;
}

/** What follows when the width of `element` changes, and now. */
function onWidth(element, follow) {
  let known = 0;
  new ResizeObserver(() => {
    const width = Math.floor(element.clientWidth);
    if (width && width !== known) follow((known = width));
  }).observe(element);
}

/** Call `follow` once the page is laid out as it now is, and whoever watches sizes was told. */
function afterLayout(follow) {
  requestAnimationFrame(() => requestAnimationFrame(follow));
}

const waiting = [];

/** Call `begin` once the page is in the document: a chart needs to know its size. */
function whenAttached(begin) {
  waiting.push(begin);
}

function attached() {
  for (const begin of waiting.splice(0)) begin();
}
