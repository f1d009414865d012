// Tables that sort by a click, or by Enter on a heading, and grow on demand.

const ROWS_AT_FIRST = 100;

/**
 * A table of `rows` as the page's columns say.
 *
 * A column has a name, a kind and digits. With `cell`, it makes the content of its cells from the
 * row itself, and sorts by `value` of it; otherwise a row is a list of values.
 */
function sortable(title, columns, rows, onRow = null) {
  let shown = ROWS_AT_FIRST;
  let order = rows.map((_, place) => place);
  const value = (row, place) => (columns[place].value ? columns[place].value(row) : row[place]);
  const body = make("tbody");
  const more = make("button", { type: "button", click: () => fill((shown += 10 * ROWS_AT_FIRST)) });
  const heads = columns.map((each, place) =>
    make(
      "th",
      { scope: "col", class: isText(each) ? "text" : null },
      make("button", { type: "button", click: () => sort(place) }, each.name),
    ),
  );

  function sort(place) {
    const head = heads[place];
    const down = head.getAttribute("aria-sort") === "descending";
    const rising = isText(columns[place]) ? head.getAttribute("aria-sort") !== "ascending" : down;
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const key = order.map((row) => value(rows[row], place));
    const sorted = order.map((row, i) => [row, key[i]]).sort((a, b) => compared(a[1], b[1], rising));
    order = sorted.map(([row]) => row);
    fill();
  }

  function fill() {
    const made = order.slice(0, shown).map((row) => {
      const cells = columns.map((each, place) => cellOf(each, value(rows[row], place), rows[row]));
      const line = make("tr", {}, cells);
      if (onRow) onRow(line, rows[row]);
      return line;
    });
    body.replaceChildren(...made);
    more.hidden = shown >= rows.length;
    more.textContent = `Show more of ${rows.length.toLocaleString("en-US")}`;
  }

  fill();
  const head = make("thead", {}, make("tr", {}, heads));
  const caption = make("caption", { class: "hidden" }, `${title}; the headings sort`);
  const table = make("table", {}, caption, head, body);
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table);
  return { element: make("div", { class: "split" }, scroll, make("div", { class: "tools" }, more)), fill };
}

function isText(each) {
  return (each.kind ?? "text") === "text";
}

/** The order of two values; unknown ones are last either way. */
function compared(a, b, rising) {
  if (!known(a) || !known(b)) return known(b) - known(a);
  const order = typeof a === "string" ? a.localeCompare(b) : a - b;
  return rising ? order : -order;
}

function cellOf(each, value, row) {
  const content = each.cell ? each.cell(row) : written(each, value);
  const classes = [isText(each) ? "text" : "", each.signed ? sign(value) : ""].filter(Boolean);
  return make("td", { class: classes.join(" ") || null }, content);
}

function written(each, value) {
  if (!known(value)) return DASH;
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (each.kind === "percent") return percent(value, each.digits);
  if (each.kind === "count") return number(value, 0);
  return number(value, each.digits, each.signed);
}

/** A table as it comes in the page's contents. */
function plainTable(table) {
  return sortable(table.title, table.columns, table.rows).element;
}
