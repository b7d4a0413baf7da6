// Text that was compressed with gzip and written as base64, and columns of the table made of it.

const SAMPLED_ROWS = 2000;
// In characters: room for the fields of a filter; the rest of a long text is in its tooltip.
const [MIN_WIDTH, MAX_WIDTH] = [15, 26];

async function unpack(base64) {
  const text = atob(base64);
  const packed = new Uint8Array(text.length);
  // Uint8Array.from with a function takes ten times as long.
  for (let index = 0; index < text.length; index += 1) packed[index] = text.charCodeAt(index);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// Values are unpacked when they are first needed; they decide on the column's width and format.
async function loadColumn(column) {
  if (column.values) return;
  const { packed } = column;
  column.values = JSON.parse(await unpack(packed));
  delete column.packed;
  const whole = column.values.every((value) => !column.numeric || value === null || Number.isInteger(value));
  const format = new Intl.NumberFormat("en-US", { maximumFractionDigits: whole ? 0 : 2 });
  column.format = column.numeric ? (value) => format.format(value) : String;
  const lengths = column.values.slice(0, SAMPLED_ROWS).map((value) => (value === null ? 0 : column.format(value).length));
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const words = (column.heading || column.name).split(/[ ]/).map((word) => word.length + 2);
  column.width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, longest + 4, ...words));
}
