// The rows of a table whose columns hold their values, one a genome: sorted and filtered here.

const collator = new Intl.Collator("en", { numeric: true });

class Rows {
  // Columns have `name`, `numeric` and `values`; those of the first tell how many rows there are.
  constructor(columns) {
    Object.assign(this, { columns, order: [] });
  }

  // Sort all rows, again where values have changed; null sorts as the sample sheet.
  sort(sorting) {
    const { length } = this.columns[0].values;
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
    const lines = this.read(0).map((values) => values.map((value) => value ?? "").join("\t"));
    return [this.columns.map(({ name }) => name).join("\t"), ...lines, ""].join("\n");
  }
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
