// A table of any length: only the rows in view are in the document. All text is set as text, never
// as HTML, for it comes from sample sheets and logs.

const ROW_HEIGHT = 30;
const MARGIN_ROWS = 20;
const SAMPLED_ROWS = 2000;
const MAX_WIDTH = 26; // characters; the rest of a text is in its tooltip
// Columns whose words have a colour.
const MARKED = new Set(["status", "rank"]);
const collator = new Intl.Collator("en", { numeric: true });

function create(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

class GenomeTable {
  // `columns` are objects with name, heading, unit, meaning, numeric and packed, the values of
  // `count` genomes.
  constructor(scroller, columns, count, onChange) {
    Object.assign(this, { scroller, columns, count, onChange });
    this.filters = new Map();
    this.sorting = null;
    this.shownColumns = [];
    this.rows = [];
    this.body = create("tbody");
    scroller.addEventListener("scroll", () => this.drawRows());
    new ResizeObserver(() => this.drawRows()).observe(scroller);
  }

  // Show the columns with a heading, or all. Values are unpacked when they are first needed.
  async show(all) {
    const columns = this.columns.filter((column) => all || column.heading);
    await Promise.all(columns.map(loadColumn));
    this.shownColumns = columns;
    this.build();
    this.update();
  }

  build() {
    this.body = create("tbody");
    const widths = this.shownColumns.map((column) => column.width);
    const group = create("colgroup", {}, ...widths.map((width) => create("col", { style: `width:${width}ch` })));
    const head = create("thead", {}, create("tr", {}, ...this.shownColumns.map((column) => this.heading(column))));
    const style = `width:${widths.reduce((sum, width) => sum + width, 0)}ch`;
    this.table = create("table", { style, "aria-rowcount": this.count + 1 }, group, head, this.body);
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

  // Show the genomes for which a column has a text, and no other filter's rest.
  only(name, text) {
    this.filters = new Map([[name, text]]);
    this.build();
    this.update();
  }

  clear() {
    this.filters.clear();
    this.build();
    this.update();
  }

  // First click: smallest first; second: largest first; third: the order of the sample sheet.
  sortBy(column) {
    const again = this.sorting?.column === column;
    if (!again) this.sorting = { column, direction: 1 };
    else if (this.sorting.direction === 1) this.sorting.direction = -1;
    else this.sorting = null;
    this.update();
  }

  update() {
    const tests = this.columns.filter((column) => this.filters.has(column.name)).map((column) => ({
      column, test: parseFilter(this.filters.get(column.name), column.numeric),
    }));
    const valid = tests.filter(({ test }) => test);
    this.rows = Array.from({ length: this.count }, (_, row) => row).filter((row) =>
      valid.every(({ column, test }) => test(column.values[row])));
    if (this.sorting) this.rows.sort(rowOrder(this.sorting));
    this.mark(new Set(tests.filter(({ test }) => !test).map(({ column }) => column.name)));
    this.scroller.scrollTop = 0;
    this.first = null;
    this.drawRows();
    this.onChange(this.rows.length, this.count);
  }

  // Tell which heading is sorted by, and which filter is not understood.
  mark(invalid) {
    for (const cell of this.table.tHead.rows[0].cells) {
      const { column } = cell.dataset;
      const sorted = this.sorting?.column.name === column ? this.sorting.direction : 0;
      cell.setAttribute("aria-sort", ["descending", "none", "ascending"][sorted + 1]);
      cell.querySelector("input").setAttribute("aria-invalid", invalid.has(column));
    }
  }

  drawRows() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_HEIGHT) - MARGIN_ROWS);
    const last = Math.min(this.rows.length, first + Math.ceil(this.scroller.clientHeight / ROW_HEIGHT) + 2 * MARGIN_ROWS);
    if (first === this.first && last === this.last) return;
    Object.assign(this, { first, last });
    const rows = this.rows.slice(first, last).map((row, index) => this.drawRow(row, first + index + 2));
    this.body.replaceChildren(gap(first), ...rows, gap(this.rows.length - last));
  }

  drawRow(row, position) {
    const cells = this.shownColumns.map((column) => drawCell(column, column.values[row]));
    return create("tr", { "aria-rowindex": position }, ...cells);
  }

  // The rows as shown, with every column that the page has.
  async toTsv() {
    await Promise.all(this.columns.map(loadColumn));
    const lines = this.rows.map((row) => this.columns.map(({ values }) => values[row] ?? "").join("\t"));
    return [this.columns.map(({ name }) => name).join("\t"), ...lines, ""].join("\n");
  }
}

async function loadColumn(column) {
  column.values ??= JSON.parse(await unpack(column.packed));
  delete column.packed;
  const whole = column.values.every((value) => !column.numeric || value === null || Number.isInteger(value));
  const format = new Intl.NumberFormat("en-US", { maximumFractionDigits: whole ? 0 : 2 });
  column.format = column.numeric ? (value) => format.format(value) : String;
  const lengths = column.values.slice(0, SAMPLED_ROWS).map((value) => (value === null ? 0 : column.format(value).length));
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const words = (column.heading || column.name).split(/[ ]/).map((word) => word.length + 2);
  column.width = Math.min(MAX_WIDTH, Math.max(9, longest + 4, ...words));
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

// Missing values are last in both directions.
function rowOrder({ column: { values, numeric }, direction }) {
  const compare = numeric ? (a, b) => a - b : collator.compare;
  return (a, b) => {
    if (values[a] === null || values[b] === null) return (values[a] === null) - (values[b] === null);
    return direction * compare(values[a], values[b]);
  };
}
