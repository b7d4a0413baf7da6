// Plotly's figures, in the colours of the page, light or dark.

const darkness = matchMedia("(prefers-color-scheme: dark)");

function themed(layout) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: colour("--line"), linecolor: colour("--faint"), zerolinecolor: colour("--line"), showline: true, ticks: "outside", tickcolor: colour("--faint") };
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis/.test(name)).map(([name, given]) => [name, { ...given, ...axis }]);
  return {
    ...layout,
    ...Object.fromEntries(axes),
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
  return Plotly.react(element, data, themed(layout), config);
}
