// Unpack what the table shows, show it, then load Plotly and draw.

// Let the browser paint what is there.
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" }));
  create("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

async function showTable({ columns, count }) {
  const load = (needed) => Promise.all(needed.map(loadColumn));
  const onChange = (shown) => { document.getElementById("shown").textContent = describeShown(shown, count); };
  const table = new GenomeTable(document.getElementById("genomes"), columns, { load, onChange });
  document.getElementById("clear").addEventListener("click", () => table.clear());
  document.getElementById("download").addEventListener("click", async () => {
    await load(columns);
    download("cohort-selection.tsv", table.rows.toTsv());
  });
  document.getElementById("all-columns").addEventListener("change", ({ target }) => table.show(target.checked));
  await table.show(false);
  return table;
}

function find(table, filters) {
  table.only(filters);
  document.getElementById("table").scrollIntoView();
}

// Buttons of the page lead to genomes in the table: data-<column>="<what to filter for>".
function linkButtons(table) {
  for (const button of document.querySelectorAll("button.tile, button.link")) {
    button.addEventListener("click", () => find(table, { ...button.dataset }));
  }
}

async function loadPlotly() {
  const script = create("script");
  script.textContent = await unpack(document.getElementById("plotly").textContent);
  document.head.append(script);
}

async function drawPlots(elements, figures, table) {
  const samples = table.columns.find(({ name }) => name === "sample").values;
  for (const element of elements) {
    await nextFrame();
    await drawPlot(element, figures[element.dataset.plot], (genome) => find(table, { sample: samples[genome] }));
  }
}

const data = JSON.parse(document.getElementById("data").textContent);
const table = await showTable(data);
linkButtons(table);
performance.mark("table");
await nextFrame();
await loadPlotly();
const figures = JSON.parse(await unpack(data.plots));
const elements = [...document.querySelectorAll(".plot")];
const isInView = (element) => element.getBoundingClientRect().top < innerHeight;
await drawPlots(elements.filter(isInView), figures, table);
performance.mark("shown");
await drawPlots(elements.filter((element) => !element.classList.contains("js-plotly-plot")), figures, table);
performance.mark("complete");
document.body.dataset.ready = "true";
