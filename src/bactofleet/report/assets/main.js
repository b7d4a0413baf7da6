// Unpack what the table shows, show it, then load Plotly and draw.

// Let the browser paint what is there.
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
const data = JSON.parse(find("data").textContent);
const load = (columns) => Promise.all(columns.map(loadColumn));
const genomes = new Genomes(data.columns, { load, read });

let tails = null;

async function read(sample) {
  await load(data.columns);
  tails ??= new Map(JSON.parse(await unpack(data.tails)));
  const row = data.columns[0].values.indexOf(sample);
  return row < 0 ? null : describeGenome(data.columns, row, tails.get(sample), data.records);
}

// Buttons of the page lead to genomes in the table, data-<column>="<filter>", or open one.
function linkButtons() {
  for (const button of document.querySelectorAll("button.tile, button.link")) {
    const { genome, ...filters } = button.dataset;
    button.addEventListener("click", () => {
      if (genome) genomes.open(genome);
      else genomes.only(filters);
    });
  }
}

async function loadPlotly() {
  const script = create("script");
  script.textContent = await unpack(find("plotly").textContent);
  document.head.append(script);
}

async function drawPlots(elements, figures) {
  for (const element of elements) {
    await nextFrame();
    await drawPlot(element, figures[element.dataset.plot], openGenome);
  }
}

// Draw the points of the scatter plots anew, in the colours of a column; "" is what they came with.
async function colourBy(name) {
  const byName = Object.fromEntries(data.columns.map((column) => [column.name, column]));
  const clouds = Object.entries(data.clouds).map(([plot, cloud]) => [document.querySelector(`[data-plot="${plot}"]`), figures[plot], cloud]);
  const needed = clouds.flatMap(([, , { x, y }]) => [x[0], y[0]]);
  await load(["sample", "status", ...needed, ...(name ? [name] : [])].map((column) => byName[column]));
  let note = "";
  for (const [element, usual, cloud] of clouds) {
    const { figure, count, of } = name ? colourFigure(usual, cloud, byName, byName[name], data.palette) : { figure: usual };
    await drawPlot(element, figure, openGenome);
    if (count < of) note = `A sample of ${formatCount(count)} of ${formatCount(of)} genomes.`;
  }
  find("coloured").textContent = note;
}

const openGenome = (row) => genomes.open(data.columns[0].values[row]);

await genomes.start();
linkButtons();
performance.mark("table");
await nextFrame();
await loadPlotly();
const figures = JSON.parse(await unpack(data.plots));
const elements = [...document.querySelectorAll(".plot")];
const isInView = (element) => element.getBoundingClientRect().top < innerHeight;
await drawPlots(elements.filter(isInView), figures);
performance.mark("shown");
await drawPlots(elements.filter((element) => !element.classList.contains("js-plotly-plot")), figures);
performance.mark("complete");
find("colour")?.addEventListener("change", ({ target }) => colourBy(target.value));
document.body.dataset.ready = "true";
