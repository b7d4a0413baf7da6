// What a reader types under a heading, as a test of one value.

const COMPARISONS = {
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  "=": (value, limit) => value === limit,
};

// Return a test of a value, or null if the text is not understood. Missing values pass no test.
function parseFilter(text, numeric) {
  return numeric ? parseNumbers(text.replace(/[\s,]/g, "")) : parseWords(text.toLowerCase());
}

function parseWords(text) {
  if (text.startsWith("=")) return (value) => value !== null && value.toLowerCase() === text.slice(1).trim();
  return (value) => value !== null && value.toLowerCase().includes(text);
}

function parseNumbers(text) {
  const range = /^(-?\d*\.?\d+)\.\.(-?\d*\.?\d+)$/.exec(text);
  if (range) {
    const [low, high] = range.slice(1).map(Number);
    return (value) => value !== null && value >= low && value <= high;
  }
  const comparison = /^(>=|<=|>|<|=)?(-?\d*\.?\d+(?:e\d+)?)$/i.exec(text);
  if (!comparison) return null;
  const compare = COMPARISONS[comparison[1] ?? "="];
  const limit = Number(comparison[2]);
  return (value) => value !== null && compare(value, limit);
}
