// A filter is a text, as it stands in the address: `aureus` (a part of a word), `=failed` (a whole
// word), `10..20`, `10..` or `..20` (numbers, ends included), `=` (no value).

const NUMBER = String.raw`-?\d*\.?\d+(?:e[+-]?\d+)?`;
const RANGE = new RegExp(`^(${NUMBER})?\\.\\.(${NUMBER})?$`, "i");

// Return a test of a value, or null if the text is not understood.
function parseFilter(text, numeric) {
  if (text === "=") return (value) => value === null || value === "";
  return numeric ? parseRange(text.replace(/[\s,]/g, "")) : parseWords(text.toLowerCase());
}

function parseWords(text) {
  if (text.startsWith("=")) return (value) => value !== null && value.toLowerCase() === text.slice(1).trim();
  return (value) => value !== null && value.toLowerCase().includes(text);
}

function parseRange(text) {
  const range = RANGE.exec(text);
  if (!range) return null;
  const [low, high] = [range[1] ?? -Infinity, range[2] ?? Infinity].map(Number);
  return (value) => value !== null && value >= low && value <= high;
}

// The fields below a heading; `onInput` gets the filter, "" for none.
function createFields(column, filter, onInput) {
  if (column.words) return [createChoice(column, filter, onInput)];
  if (column.numeric) return createRange(column, filter, onInput);
  return [createField(column, "", filter, onInput)];
}

function createField(column, hint, value, onInput) {
  const field = create("input", {
    type: "text", spellcheck: "false", autocomplete: "off", placeholder: hint, "data-column": column.name,
    "aria-label": `Filter ${column.heading || column.name} ${hint}`.trim(),
  });
  field.value = value;
  field.addEventListener("input", () => onInput(field.value.trim()));
  return field;
}

function createRange(column, filter, onInput) {
  const ends = filter.includes("..") ? filter.split("..") : [filter, ""];
  const fields = ["from", "to"].map((hint, end) => createField(column, hint, ends[end], () => {
    const [low, high] = fields.map(({ value }) => value.trim());
    onInput(low || high ? `${low}..${high}` : "");
  }));
  return fields;
}

function createChoice(column, filter, onInput) {
  const field = create("select", { "data-column": column.name, "aria-label": `Filter ${column.heading || column.name}` });
  fillChoice(field, column, filter);
  field.addEventListener("change", () => onInput(field.value));
  return field;
}

// A filter of the address may be one that the words do not have.
function fillChoice(field, { words }, filter) {
  const options = new Map([["", "all"], ...words.map((word) => [`=${word}`, word]), ["=", "(empty)"]]);
  if (!options.has(filter)) options.set(filter, filter);
  const values = [...options.keys()].join("\n");
  if (values !== field.dataset.values) {
    field.dataset.values = values;
    field.replaceChildren(...[...options].map(([value, text]) => create("option", { value }, text)));
  }
  field.value = filter;
}
