// A table of any length: only the rows in view are in the document. All text is set as text, never
// as HTML, for it comes from sample sheets and logs.

const ROW_HEIGHT = 30;
const MARGIN_ROWS = 20;
// Columns whose words have a colour.
const MARKED = new Set(["status", "rank"]);

function create(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Replace the children of an element; a button with the same data-key keeps the focus.
function replace(parent, ...children) {
  const { key } = document.activeElement?.dataset ?? {};
  parent.replaceChildren(...children);
  if (key) parent.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

class GenomeTable {
  // `columns` are objects with name, heading, unit, meaning, numeric, and, once `load` has made them
  // ready, values, width (in letters) and format (of a value that is not null). `onChange` gets the
  // number of rows that were chosen; `onOpen`, if a reader may open a row, its first value.
  constructor(scroller, columns, { load = async () => {}, onChange, onOpen = null }) {
    Object.assign(this, { scroller, columns, load, onChange, onOpen });
    this.rows = new Rows(columns);
    this.filters = new Map();
    this.sorting = null;
    this.shownColumns = [];
    scroller.addEventListener("scroll", () => this.follow());
    new ResizeObserver(() => this.follow()).observe(scroller);
  }

  // Show the columns with a heading and those that are filtered by, or all.
  async show(all) {
    this.showsAll = all;
    const columns = this.columns.filter(({ heading, name }) => all || heading || this.filters.has(name));
    const missing = columns.filter((column) => !this.shownColumns.includes(column));
    if (missing.length) await this.load(missing);
    this.shownColumns = columns;
    this.build();
    this.renew();
  }

  build() {
    this.body = create("tbody");
    this.drawn = null;
    const widths = this.shownColumns.map((column) => column.width);
    const group = create("colgroup", {}, ...widths.map((width) => create("col", { style: `width:${width}ch` })));
    const head = create("thead", {}, create("tr", {}, ...this.shownColumns.map((column) => this.heading(column))));
    const style = `width:${widths.reduce((sum, width) => sum + width, 0)}ch`;
    this.table = create("table", { style }, group, head, this.body);
    this.scroller.replaceChildren(this.table);
  }

  heading(column) {
    const unit = create("span", { class: "unit" }, column.unit);
    const button = create("button", { type: "button", title: column.meaning }, column.heading || column.name, unit);
    button.addEventListener("click", () => this.sortBy(column));
    const input = create("input", {
      type: "text", spellcheck: "false", autocomplete: "off", "data-column": column.name,
      "aria-label": `Filter ${column.heading || column.name}`,
    });
    input.value = this.filters.get(column.name) ?? "";
    input.addEventListener("input", () => this.filter(column.name, input.value));
    const cell = create("th", { scope: "col", class: column.numeric ? "number" : "" }, button, input);
    cell.dataset.column = column.name;
    return cell;
  }

  filter(name, text) {
    if (text.trim()) this.filters.set(name, text.trim());
    else this.filters.delete(name);
    this.update();
  }

  // Show the genomes that pass these filters, and no others.
  async only(filters) {
    this.filters = new Map(Object.entries(filters));
    this.scroller.scrollTop = 0;
    await this.show(this.showsAll);
  }

  clear() {
    this.only({});
  }

  // First click: smallest first; second: largest first; third: the order of the sample sheet.
  sortBy(column) {
    const again = this.sorting?.column === column;
    if (!again) this.sorting = { column, direction: 1 };
    else if (this.sorting.direction === 1) this.sorting.direction = -1;
    else this.sorting = null;
    this.rows.sort(this.sorting);
    this.update();
  }

  // Choose rows anew, and show the first of them.
  update() {
    this.rows.choose(this.filters);
    this.scroller.scrollTop = 0;
    this.draw();
  }

  // Show values that have changed, or that were loaded.
  renew() {
    this.rows.sort(this.sorting);
    this.rows.choose(this.filters);
    this.draw();
  }

  // Tell which heading is sorted by, and which filter is not understood.
  mark(invalid) {
    for (const cell of this.table.tHead.rows[0].cells) {
      const { column } = cell.dataset;
      const sorted = this.sorting?.column.name === column ? this.sorting.direction : 0;
      cell.setAttribute("aria-sort", ["descending", "none", "ascending"][sorted + 1]);
      cell.querySelector("input").setAttribute("aria-invalid", invalid.includes(column));
    }
  }

  // Draw rows that were scrolled into view, a margin at a time.
  follow() {
    if (!this.shownColumns.length) return;
    const { first, last } = this.findView();
    if (first !== this.first || last !== this.last) this.draw();
  }

  findView() {
    const margin = Math.floor(this.scroller.scrollTop / ROW_HEIGHT / MARGIN_ROWS);
    const first = Math.max(0, margin - 1) * MARGIN_ROWS;
    return { first, last: first + Math.ceil(this.scroller.clientHeight / ROW_HEIGHT) + 3 * MARGIN_ROWS };
  }

  draw() {
    Object.assign(this, this.findView());
    const { first, last } = this;
    const rows = this.rows.read(first, last, this.shownColumns);
    const count = this.rows.chosen.length;
    // Rows that are the same stay: a click on one that is replaced meanwhile would be lost.
    const text = JSON.stringify([first, count, rows]);
    if (text !== this.drawn) this.drawRows(first, count, rows);
    this.drawn = text;
    this.mark(this.rows.invalid);
    this.onChange(count);
  }

  drawRows(first, count, rows) {
    const drawn = rows.map((row, index) => this.drawRow(row, first + index + 2));
    replace(this.body, gap(first), ...drawn, gap(count - first - rows.length));
    this.table.setAttribute("aria-rowcount", count + 1);
  }

  drawRow(row, position) {
    const drawn = this.shownColumns.map((column, index) => drawCell(column, row[index]));
    if (this.onOpen) this.addOpener(drawn[0], row[0]);
    return create("tr", { "aria-rowindex": position }, ...drawn);
  }

  addOpener(cell, value) {
    const button = create("button", { type: "button", class: "opener", "data-key": value }, value);
    button.addEventListener("click", () => this.onOpen(value));
    cell.replaceChildren(button);
  }
}

function drawCell(column, value) {
  const text = value === null ? "" : column.format(value);
  const cell = create("td", { class: column.numeric ? "number" : "", title: text }, text);
  if (MARKED.has(column.name) && value !== null) cell.prepend(create("span", { class: `mark fill-${value}` }), " ");
  return cell;
}

function gap(rows) {
  const cell = create("td", { style: `height:${rows * ROW_HEIGHT}px` });
  return create("tr", { class: "gap", "aria-hidden": "true" }, cell);
}

function describeShown(shown, all) {
  if (!shown && all) return "No genome passes these filters.";
  const counted = shown === all ? "" : `${shown.toLocaleString("en-US")} of `;
  return `${counted}${all.toLocaleString("en-US")} genome${all === 1 ? "" : "s"}`;
}
