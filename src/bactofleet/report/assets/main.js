// Unpack what the table shows, show it, then load Plotly and draw.

// Width (px) of a letter in the key of a plot, and of what is beside the words.
const [LETTER, KEY_MARGIN] = [8, 140];

// Let the browser paint what is there.
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
const data = JSON.parse(find("data").textContent);
const load = (columns) => Promise.all(columns.map(loadColumn));
const genomes = new Genomes(data.columns, { load, read, onColour: () => figures && showColour() });
const colours = find("colour");

let tails = null;
let figures = null;

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
    const room = Math.floor((element.clientWidth - KEY_MARGIN) / LETTER);
    const { figure, count, of } = name ? colourFigure(usual, cloud, byName, byName[name], data.palette, room) : { figure: usual };
    await drawPlot(element, figure, openGenome);
    if (count < of) note = `A sample of ${formatCount(count)} of ${formatCount(of)} genomes.`;
  }
  find("coloured").textContent = note;
}

// Show the colours that the address names, if there are such.
function showColour() {
  const isThere = [...(colours?.options ?? [])].some(({ value }) => value === genomes.colour);
  if (!isThere) genomes.colour = "";
  if (!colours || colours.value === genomes.colour) return;
  colours.value = genomes.colour;
  return colourBy(genomes.colour);
}

const openGenome = (row) => genomes.open(data.columns[0].values[row]);

await genomes.start();
linkButtons();
performance.mark("table");
await nextFrame();
await loadPlotly();
figures = JSON.parse(await unpack(data.plots));
const elements = [...document.querySelectorAll(".plot")];
const isInView = (element) => element.getBoundingClientRect().top < innerHeight;
await drawPlots(elements.filter(isInView), figures);
performance.mark("shown");
await drawPlots(elements.filter((element) => !element.classList.contains("js-plotly-plot")), figures);
performance.mark("complete");
await showColour();
colours?.addEventListener("change", () => {
  genomes.colour = colours.value;
  genomes.keep();
  colourBy(colours.value);
});
document.body.dataset.ready = "true";
