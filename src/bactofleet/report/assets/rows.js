// The rows of a table whose columns hold their values, one a genome: sorted and filtered here.

const collator = new Intl.Collator("en", { numeric: true });
// Text that a spreadsheet would compute, as in cohort.tsv: https://owasp.org/www-community/attacks/CSV_Injection
const FORMULA = /^["\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

class Rows {
  // Columns have `name`, `numeric` and `values`; those of the first tell how many rows there are.
  constructor(columns) {
    Object.assign(this, { columns, order: [] });
  }

  get count() {
    return this.columns[0].values.length;
  }

  // Sort all rows, again where values have changed; null sorts as the sample sheet.
  sort(sorting) {
    const length = this.count;
    if (!sorting || this.order.length !== length) this.order = Array.from({ length }, (_, row) => row);
    if (sorting) this.order.sort(rowOrder(sorting));
  }

  // Choose the rows that pass all filters that are understood.
  choose(filters) {
    const tests = this.columns.filter((column) => filters.has(column.name)).map((column) => ({
      column, test: parseFilter(filters.get(column.name), column.numeric),
    }));
    const valid = tests.filter(({ test }) => test);
    this.invalid = tests.filter(({ test }) => !test).map(({ column }) => column.name);
    this.chosen = this.order.filter((row) => valid.every(({ column, test }) => test(column.values[row])));
  }

  // Return the values of some of the rows that were chosen.
  read(first, last, columns = this.columns) {
    return this.chosen.slice(first, last).map((row) => columns.map(({ values }) => values[row]));
  }

  // The chosen rows, with every column.
  toTsv() {
    const lines = this.read(0).map((values) => values.map(toCell).join("\t"));
    return [this.columns.map(({ name }) => toCell(name)).join("\t"), ...lines, ""].join("\n");
  }
}

function toCell(value) {
  if (typeof value !== "string") return value ?? "";
  return FORMULA.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value;
}

// Missing values are last in both directions; rows that are equal keep the order of the sheet.
function rowOrder({ column: { values, numeric }, direction }) {
  const compare = numeric ? (a, b) => a - b : collator.compare;
  return (a, b) => {
    const missing = (values[a] === null) - (values[b] === null);
    const both = values[a] !== null && values[b] !== null;
    return missing || (both && direction * compare(values[a], values[b])) || a - b;
  };
}
