// A table of any length: only the rows in view are in the document.

const ROW_HEIGHT = 30;
const MARGIN_ROWS = 20;
// Columns whose words have a colour.
const MARKED = new Set(["status", "rank"]);

class GenomeTable {
  // `columns` are objects with name, heading, unit, meaning, numeric, perhaps words (all that there
  // are), and, once `load` has made them ready, values, width (in letters) and format (of a value
  // that is not null). The first one names the genomes. `onState` is told that the reader has chosen
  // something else, `onOpen` gets the name of a genome.
  constructor(element, columns, { load = async () => {}, onState, onOpen }) {
    Object.assign(this, { columns, load, onState, onOpen });
    this.rows = new Rows(columns);
    this.filters = new Map();
    this.sorting = null;
    this.chosenColumns = new Set(this.usualColumns);
    this.shownColumns = [];
    this.scroller = create("div", { id: "genomes", class: "scroll", tabindex: "0", role: "region", "aria-label": "Genomes" });
    element.replaceChildren(...this.createControls(), this.scroller);
    this.scroller.addEventListener("scroll", () => this.follow());
    new ResizeObserver(() => this.follow()).observe(this.scroller);
  }

  get usualColumns() {
    return this.columns.filter(({ heading }) => heading).map(({ name }) => name);
  }

  createControls() {
    this.shown = create("span", { id: "shown", role: "status" });
    this.menu = create("div", { id: "columns", popover: "", role: "group", "aria-label": "Columns" });
    this.menu.addEventListener("beforetoggle", () => this.drawMenu());
    const controls = create("div", { class: "controls" },
      this.shown,
      create("button", { type: "button", popovertarget: "columns" }, "Columns"),
      createButton("Clear filters", () => this.only({}), { id: "clear" }),
      createButton("Download these rows (TSV)", () => this.download(), { id: "download" }));
    return [controls, this.menu];
  }

  drawMenu() {
    const choose = (names) => {
      this.chosenColumns = new Set(names);
      this.drawMenu();
      this.show();
    };
    const boxes = this.columns.slice(1).map(({ name, heading, meaning }) => {
      const box = create("input", { type: "checkbox", value: name });
      box.checked = this.chosenColumns.has(name);
      box.addEventListener("change", () => {
        this.chosenColumns[box.checked ? "add" : "delete"](name);
        this.show();
      });
      return create("label", { title: meaning }, box, ` ${heading || name}`);
    });
    const all = createButton("All", () => choose(this.columns.map(({ name }) => name)), { "data-key": "all columns" });
    const usual = createButton("The usual ones", () => choose(this.usualColumns), { "data-key": "usual columns" });
    replace(this.menu, create("p", { class: "choices" }, all, usual), create("div", { class: "boxes" }, ...boxes));
  }

  async download() {
    await this.load(this.columns);
    download("cohort-selection.tsv", this.rows.toTsv());
  }

  // Show the first column, those that are chosen, and those that rows are filtered or sorted by.
  async show() {
    const columns = this.columns.filter((column, place) => !place || this.chosenColumns.has(column.name)
      || this.filters.has(column.name) || this.sorting?.column === column);
    await this.load(columns.filter((column) => !this.shownColumns.includes(column)));
    this.shownColumns = columns;
    this.build();
    this.renew();
  }

  build() {
    this.body = create("tbody");
    this.drawn = null;
    const widths = this.shownColumns.map((column) => column.width);
    const group = create("colgroup", {}, ...widths.map((width) => create("col", { style: `width:${width}ch` })));
    const head = create("thead", {}, create("tr", {}, ...this.shownColumns.map((column) => this.createHeading(column))));
    const style = `width:${widths.reduce((sum, width) => sum + width, 0)}ch`;
    this.table = create("table", { style }, group, head, this.body);
    this.scroller.replaceChildren(this.table);
  }

  createHeading(column) {
    const { name, meaning, heading, unit, numeric } = column;
    const button = createButton(heading || name, () => this.sortBy(column), { title: meaning });
    button.append(create("span", { class: "unit" }, unit));
    const fields = createFields(column, this.filters.get(name) ?? "", (text) => this.filter(name, text));
    const filters = create("div", { class: "filters" }, ...fields);
    return create("th", { scope: "col", class: numeric ? "number" : "", "data-column": name }, button, filters);
  }

  filter(name, text) {
    if (text) this.filters.set(name, text);
    else this.filters.delete(name);
    this.update();
  }

  // Show the genomes that pass these filters, and no others.
  async only(filters) {
    this.filters = new Map(Object.entries(filters));
    this.scroller.scrollTop = 0;
    await this.show();
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

  // What the reader has chosen, as parameters of an address.
  get state() {
    const state = new URLSearchParams();
    for (const [name, text] of this.filters) state.append("where", `${name}:${text}`);
    if (this.sorting) state.set("sort", (this.sorting.direction < 0 ? "-" : "") + this.sorting.column.name);
    const usual = new Set(this.usualColumns);
    for (const name of this.chosenColumns) if (!usual.has(name)) state.append("show", name);
    for (const name of usual) if (!this.chosenColumns.has(name)) state.append("hide", name);
    return state;
  }

  // Show what such parameters say; names of columns that are not there are left out.
  async setState(state) {
    const byName = new Map(this.columns.map((column) => [column.name, column]));
    const isThere = (name) => byName.has(name);
    const filters = state.getAll("where").map((text) => /^([^:]*):(.+)$/s.exec(text)).filter((found) => found && isThere(found[1]));
    this.filters = new Map(filters.map(([, name, text]) => [name, text]));
    const [, down, name] = /^(-?)(.*)$/s.exec(state.get("sort") ?? "");
    this.sorting = isThere(name) ? { column: byName.get(name), direction: down ? -1 : 1 } : null;
    this.chosenColumns = new Set([...this.usualColumns, ...state.getAll("show").filter(isThere)]);
    for (const hidden of state.getAll("hide")) this.chosenColumns.delete(hidden);
    await this.show();
  }

  // Return the genome that is so many rows below another one that is shown; undefined beyond the ends.
  neighbour(genome, distance) {
    const [{ values }] = this.columns;
    const place = this.rows.chosen.findIndex((row) => values[row] === genome);
    return place < 0 ? undefined : values[this.rows.chosen[place + distance]];
  }

  // Choose rows anew, and show the first of them.
  update() {
    this.rows.choose(this.filters);
    this.scroller.scrollTop = 0;
    this.draw();
    this.onState();
  }

  // Show values that have changed, or that were loaded.
  renew() {
    this.rows.sort(this.sorting);
    this.rows.choose(this.filters);
    this.draw();
    this.onState();
  }

  // Tell which heading is sorted by, which filter is not understood, and which words there are now.
  mark(invalid) {
    for (const cell of this.table.tHead.rows[0].cells) {
      const { column: name } = cell.dataset;
      const sorted = this.sorting?.column.name === name ? this.sorting.direction : 0;
      cell.setAttribute("aria-sort", ["descending", "none", "ascending"][sorted + 1]);
      for (const field of cell.querySelectorAll("input")) field.setAttribute("aria-invalid", invalid.includes(name));
      const choice = cell.querySelector("select");
      const isOpen = choice === document.activeElement;
      if (choice && !isOpen) fillChoice(choice, this.columns.find((column) => column.name === name), this.filters.get(name) ?? "");
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
    this.shown.textContent = describeShown(count, this.rows.count);
  }

  drawRows(first, count, rows) {
    const drawn = rows.map((row, index) => this.drawRow(row, first + index + 2));
    replace(this.body, gap(first), ...drawn, gap(count - first - rows.length));
    this.table.setAttribute("aria-rowcount", count + 1);
  }

  drawRow([name, ...values], position) {
    const opener = createButton(name, () => this.onOpen(name), { class: "opener", "data-key": name });
    const cells = values.map((value, index) => drawCell(this.shownColumns[index + 1], value));
    return create("tr", { "aria-rowindex": position }, create("td", { title: name }, opener), ...cells);
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
  const counted = shown === all ? "" : `${formatCount(shown)} of `;
  return `${counted}${formatCount(all)} genome${all === 1 ? "" : "s"}`;
}
