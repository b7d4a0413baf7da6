// Scatter plots in the colours of a column of the table.

const MAX_POINTS = 2500;
const [OTHERS, MISSING] = ["#8a8f98", "#c9ced6"];

// Return a figure like the given one, with its rings, whose points are coloured by the words of a
// column, and how many of the genomes it shows. The columns must be loaded; a word of the key has at
// most `room` letters.
function colourFigure(figure, { x, y, statuses, hover }, byName, column, palette, room) {
  const read = ([name, factor], row) => byName[name].values[row] * factor;
  const present = [...byName.sample.values.keys()].filter((row) =>
    statuses.includes(byName.status.values[row]) && byName[x[0]].values[row] && byName[y[0]].values[row]);
  const groups = groupByWord(present, column.values, palette);
  const data = groups.map(({ word, rows, colour }) => {
    const shown = thin(rows, Math.floor(MAX_POINTS / groups.length));
    return {
      type: "scatter", mode: "markers", name: `${escapeText(shorten(word, room))} (${formatCount(rows.length)})`,
      x: shown.map((row) => read(x, row)), y: shown.map((row) => read(y, row)), customdata: shown,
      text: shown.map((row) => escapeText(byName.sample.values[row])),
      marker: { color: colour, size: 7, opacity: 0.75 }, hovertemplate: `<b>%{text}</b><br>${hover}<extra></extra>`,
    };
  });
  const count = data.reduce((sum, { customdata }) => sum + customdata.length, 0);
  const rings = figure.data.filter(({ meta }) => meta === "rings");
  return { figure: { data: [...data, ...rings], layout: { ...figure.layout, showlegend: true } }, count, of: present.length };
}

// Return rows by word, the most common words first, then the others, then those without any.
function groupByWord(rows, values, palette) {
  const byWord = Map.groupBy(rows, (row) => values[row] || null);
  const missing = byWord.get(null) ?? [];
  byWord.delete(null);
  const sorted = [...byWord].sort(([, a], [, b]) => b.length - a.length);
  const others = sorted.slice(palette.length).flatMap(([, members]) => members);
  return [
    ...palette.slice(0, sorted.length).map((colour, place) => ({ word: sorted[place][0], rows: sorted[place][1], colour })),
    { word: "others", rows: others, colour: OTHERS },
    { word: "not given", rows: missing, colour: MISSING },
  ].filter((group) => group.rows.length);
}

// Return at most so many, evenly from the whole list, the same each time.
function thin(rows, most) {
  return rows.length <= most ? rows : Array.from({ length: most }, (_, place) => rows[Math.floor((place * rows.length) / most)]);
}

// Return a text of at most so many letters, its middle left out.
function shorten(text, most) {
  const end = Math.floor((most - 1) / 2);
  return text.length <= most ? text : `${text.slice(0, most - 1 - end)}…${text.slice(-end)}`;
}

// Plotly interprets some HTML in labels.
function escapeText(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
