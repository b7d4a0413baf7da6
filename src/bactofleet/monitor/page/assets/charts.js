// The timeline and the histogram.

const DAY_S = 86400;
const toDate = (seconds) => new Date(1000 * seconds).toISOString().slice(0, 19);

function formatLength(seconds) {
  const [unit, size] = [["days", DAY_S], ["h", 3600], ["min", 60], ["s", 1]].find(([, size]) => seconds >= size) ?? ["s", 1];
  return `${seconds / size} ${unit}`;
}

function createLayout(layout) {
  return {
    margin: { l: 10, r: 44, t: 16, b: 10 },
    hovermode: "x",
    showlegend: false,
    // What a reader has zoomed into stays when new data come.
    uirevision: "kept",
    ...layout,
  };
}

function createSteps(x, y, name, colour, axis) {
  return {
    x, y, name, yaxis: axis, type: "scatter", mode: "lines", fill: "tozeroy",
    line: { shape: "hv", color: colour, width: 1.5 }, fillcolor: `${colour}55`, hovertemplate: `%{y:,.1f}<extra>${name}</extra>`,
  };
}

function createTimeline(timeline) {
  const { begin, step_s, at_work, vcpus, of_attempts, sure_until } = timeline;
  const x = Array.from({ length: at_work.length + 1 }, (_, bin) => toDate(begin + bin * step_s));
  // The last value is drawn to the end of its bin.
  const close = (values) => [...values, values.at(-1)];
  const processors = of_attempts ? "vCPUs" : "Processors kept busy";
  const end = x.at(-1);
  const unsure = { type: "rect", xref: "x", yref: "paper", x0: toDate(sure_until), x1: end, y0: 0, y1: 1, line: { width: 0 }, fillcolor: "#8a8f98", opacity: 0.22 };
  return {
    data: [
      createSteps(x, close(at_work), of_attempts ? "attempts" : "genomes", "#0072b2", "y"),
      createSteps(x, close(vcpus), processors, "#009e73", "y2"),
    ],
    layout: createLayout({
      xaxis: { title: { text: "UTC" }, type: "date", automargin: true, anchor: "y2", range: [x[0], end] },
      yaxis: { title: { text: of_attempts ? "Attempts" : "Genomes" }, automargin: true, domain: [0.54, 1], rangemode: "tozero" },
      yaxis2: { title: { text: of_attempts ? "vCPUs" : "Processors" }, automargin: true, domain: [0, 0.46], rangemode: "tozero" },
      shapes: toDate(sure_until) < end ? [unsure] : [],
    }),
  };
}

function describeTimeline({ step_s, of_attempts, earlier, begin, at_work, sure_until }) {
  const what = of_attempts ? "Attempts on AWS Batch and their vCPUs" : "Genomes, and the processors that they kept busy";
  const isUnsure = sure_until < begin + step_s * at_work.length;
  const rest = earlier ? ` ${formatCount(earlier)} before a pause of days are left out.` : "";
  const shade = isUnsure ? " Shaded: those that have not ended are still to come." : "";
  return `${what}, means of ${formatLength(step_s)}.${shade}${rest}`;
}

function createHistogram({ begin_min, width_min, counts, longer, longest_min }) {
  const middles = [...counts.keys()].map((bin) => begin_min + (bin + 0.5) * width_min);
  const texts = middles.map((middle) => `${formatRound(middle - width_min / 2)} to ${formatRound(middle + width_min / 2)} min`);
  const end = begin_min + counts.length * width_min;
  const bars = { type: "bar", width: width_min, hovertemplate: "%{customdata}: %{y:,} genomes<extra></extra>" };
  const data = [{ ...bars, x: middles, y: counts, customdata: texts, marker: { color: "#0072b2" } }];
  if (longer) {
    const text = `${formatRound(end)} to ${formatRound(longest_min)} min`;
    data.push({ ...bars, x: [end + width_min / 2], y: [longer], customdata: [text], marker: { color: "#e69f00" } });
  }
  const most = Math.max(...counts, longer);
  return {
    data,
    layout: createLayout({
      hovermode: "closest", bargap: 0,
      xaxis: { title: { text: "Minutes" }, automargin: true },
      yaxis: { title: { text: "Genomes" }, automargin: true, rangemode: "tozero", tickformat: ",d", ...(most < 8 && { dtick: 1 }) },
    }),
  };
}

function describeDurations({ counts, longer, low_min, median_min, high_min }) {
  const genomes = counts.reduce((sum, number) => sum + number, longer);
  const last = longer ? ` The last bar holds the ${formatCount(longer)} that took longer still.` : "";
  return `${formatCount(genomes)} complete genomes: median ${formatNumber(median_min)} min, 5th to 95th percentile ${formatNumber(low_min)} to ${formatNumber(high_min)}.${last}`;
}

// Draw what there is; `describe` and `build` make caption and figure of it.
async function drawChart(id, measured, describe, build) {
  const element = find(id);
  find(`${id}-caption`).textContent = measured ? describe(measured) : "Nothing to show yet.";
  element.hidden = !measured;
  if (measured) await drawPlot(element, build(measured), () => {});
}
