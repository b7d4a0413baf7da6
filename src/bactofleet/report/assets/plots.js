// Plotly's figures, in the colours of the page, light or dark.

const darkness = matchMedia("(prefers-color-scheme: dark)");
// In a narrow plot (px) letters are smaller, and each word of the key has a line; the usual height has
// room for some.
const [NARROW, KEY_LINE, KEY_LINES] = [480, 17, 3];

function themed(layout, isNarrow) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: colour("--line"), linecolor: colour("--faint"), zerolinecolor: colour("--line"), showline: true, ticks: "outside", tickcolor: colour("--faint") };
  const small = isNarrow ? { font: { size: 10 } } : {};
  const labels = { x: {}, y: {} };
  if (isNarrow) {
    labels.y.tickfont = { size: 11 };
    // Beside names of rows there is no room for numbers, and Plotly turns them only at times.
    if (layout.yaxis?.type === "category" && layout.xaxis?.tickvals) labels.x.tickangle = 90;
  }
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis/.test(name))
    .map(([name, given]) => [name, { ...given, ...axis, title: { ...given.title, ...small }, ...labels[name[0]] }]);
  return {
    ...layout,
    ...Object.fromEntries(axes),
    legend: { ...layout.legend, ...small },
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("--text") },
    hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text") } },
    modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: colour("--faint"), activecolor: colour("--link") },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
  };
}

// Draw one figure, or draw it anew; `onPick` gets the number of the genome whose point is clicked.
async function drawPlot(element, figure, onPick) {
  const isNew = !element.figure;
  element.figure = figure;
  await redraw(element);
  if (!isNew) return;
  element.on("plotly_click", ({ points: [point] }) => {
    if (Number.isInteger(point.customdata)) onPick(point.customdata);
  });
  darkness.addEventListener("change", () => redraw(element));
}

function redraw(element) {
  // Named one by one: Plotly's own choice can send a chart to its makers' cloud.
  const buttons = [["toImage", "zoom2d", "pan2d", "resetScale2d"]];
  const config = { displaylogo: false, responsive: true, modeBarButtons: buttons };
  const { data, layout } = element.figure;
  const isNarrow = element.clientWidth < NARROW;
  const words = data.filter(({ name, showlegend }) => name && showlegend !== false);
  const lines = isNarrow ? Math.max(0, words.length - KEY_LINES) : 0;
  element.style.setProperty("--key", `${lines * KEY_LINE}px`);
  return Plotly.react(element, data, themed(layout, isNarrow), config);
}
