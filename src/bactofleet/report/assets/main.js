// Unpack the data, show the table, then load Plotly and draw.

async function unpack(id) {
  const text = atob(document.getElementById(id).textContent);
  const packed = new Uint8Array(text.length);
  // Uint8Array.from with a function takes a second for the ten megabytes of a large cohort.
  for (let index = 0; index < text.length; index += 1) packed[index] = text.charCodeAt(index);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// Let the browser paint what is there.
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" }));
  create("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

function showTable(columns) {
  const table = new GenomeTable(document.getElementById("genomes"), columns, (shown, all) => {
    const counted = shown === all ? all.toLocaleString("en-US") : `${shown.toLocaleString("en-US")} of ${all.toLocaleString("en-US")}`;
    document.getElementById("shown").textContent = `${counted} genome${all === 1 ? "" : "s"}`;
  });
  document.getElementById("clear").addEventListener("click", () => table.clear());
  document.getElementById("download").addEventListener("click", () => download("cohort-selection.tsv", table.toTsv()));
  document.getElementById("all-columns").addEventListener("change", ({ target }) => {
    table.showAll = target.checked;
    table.build();
    table.update();
  });
  return table;
}

function find(table, name, text) {
  table.only(name, text);
  document.getElementById("table").scrollIntoView();
}

async function loadPlotly() {
  const script = create("script");
  script.textContent = await unpack("plotly");
  document.head.append(script);
}

async function drawPlots(elements, figures, table) {
  const samples = table.columns.find(({ name }) => name === "sample").values;
  for (const element of elements) {
    await nextFrame();
    await drawPlot(element, figures[element.dataset.plot], (genome) => find(table, "sample", samples[genome]));
  }
}

const { plots, columns } = JSON.parse(await unpack("data"));
const table = showTable(columns);
for (const tile of document.querySelectorAll(".tile")) {
  tile.addEventListener("click", () => find(table, "status", tile.dataset.status));
}
await nextFrame();
await loadPlotly();
const elements = [...document.querySelectorAll(".plot")];
const isInView = (element) => element.getBoundingClientRect().top < innerHeight;
await drawPlots(elements.filter(isInView), plots, table);
performance.mark("shown");
await drawPlots(elements.filter((element) => !element.classList.contains("js-plotly-plot")), plots, table);
performance.mark("complete");
document.body.dataset.ready = "true";
