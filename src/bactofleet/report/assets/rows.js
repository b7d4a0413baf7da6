// The rows of a table whose columns hold their values, one a genome: filtered and sorted here.

const SAMPLED_ROWS = 2000;
const MAX_WIDTH = 26; // characters; the rest of a text is in its tooltip
const collator = new Intl.Collator("en", { numeric: true });

class LocalRows {
  // Columns have, beside what the table needs, `packed`, the values of `count` genomes.
  constructor(columns, count) {
    Object.assign(this, { columns, count });
  }

  // Values are unpacked when they are first needed.
  load(columns) {
    return Promise.all(columns.map(loadColumn));
  }

  // Choose the rows that pass all filters that are understood; null sorts as the sample sheet.
  choose(filters, sorting) {
    const tests = this.columns.filter((column) => filters.has(column.name)).map((column) => ({
      column, test: parseFilter(filters.get(column.name), column.numeric),
    }));
    const valid = tests.filter(({ test }) => test);
    this.invalid = tests.filter(({ test }) => !test).map(({ column }) => column.name);
    this.rows = Array.from({ length: this.count }, (_, row) => row).filter((row) =>
      valid.every(({ column, test }) => test(column.values[row])));
    if (sorting) this.rows.sort(rowOrder(sorting));
  }

  // Return how many were chosen, the filters that are not understood, and values of some rows.
  read(first, last, columns) {
    const rows = this.rows.slice(first, last).map((row) => columns.map(({ values }) => values[row]));
    return { count: this.rows.length, invalid: this.invalid, rows };
  }

  // The chosen rows, with every column that the page has.
  async toTsv() {
    await this.load(this.columns);
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

// Missing values are last in both directions.
function rowOrder({ column: { values, numeric }, direction }) {
  const compare = numeric ? (a, b) => a - b : collator.compare;
  return (a, b) => {
    if (values[a] === null || values[b] === null) return (values[a] === null) - (values[b] === null);
    return direction * compare(values[a], values[b]);
  };
}
