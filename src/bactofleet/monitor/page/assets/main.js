// Ask every few seconds, and show what has changed.

const POLL_MS = 2000;
const COLUMNS = [
  { name: "sample", heading: "Sample", unit: "", meaning: "name of the genome in the sample sheet", width: 24 },
  { name: "status", heading: "Status", unit: "", meaning: "complete, excluded, failed, running, submitted (to AWS Batch) or waiting", width: 15 },
  { name: "stage", heading: "Stage", unit: "", meaning: "the stage that runs, or that excluded the genome or failed", width: 15 },
  { name: "reason", heading: "Reason", unit: "", meaning: "why it was excluded or failed", width: 64 },
  { name: "minutes", heading: "Time", unit: "min", meaning: "wall time of all stages", width: 16, numeric: true },
  { name: "time", heading: "When", unit: "UTC", meaning: "when it was finished, or since when its stage runs", width: 23 },
];
const WORDS = ["status", "stage"];
for (const column of COLUMNS) Object.assign(column, { values: [], format: column.numeric ? formatNumber : String });

const shown = new Map();
const byName = Object.fromEntries(COLUMNS.map((column) => [column.name, column]));
let version = 0;

// Draw a part of the page where what it shows has changed.
async function update(name, value, draw) {
  const text = JSON.stringify(value);
  if (shown.get(name) === text) return;
  shown.set(name, text);
  await draw(value);
}

const read = (sample, stage) => ask("api/genome", { sample, stage });
const genomes = new Genomes(COLUMNS, { read });
const showGenomes = (filters) => genomes.only(filters);
const showGenome = (sample) => genomes.open(sample);

// Take over the rows that have changed since they were last fetched.
async function fetchRows() {
  const found = await ask("api/genomes", { since: version });
  if (!found) return;
  for (const { values } of COLUMNS) values.length = found.count;
  for (const [row, ...cells] of found.rows) COLUMNS.forEach(({ values }, place) => { values[row] = cells[place]; });
  for (const name of WORDS) byName[name].words = [...new Set(byName[name].values)].filter((word) => word !== null).sort();
  const isFirst = !version;
  version = found.version;
  await (isFirst ? genomes.start() : genomes.table.renew());
}

function warn(problem) {
  const lost = lostSince && `Connection lost since ${formatTime(lostSince)}; trying again.`;
  const text = lost || (problem && `The last look failed: ${problem}`);
  update("warning", text, () => {
    find("warning").textContent = text;
    find("warning").hidden = !text;
  });
}

function showState(state) {
  const { genomes: counts, progress, failures, exclusions } = state;
  const ended = counts.complete + counts.excluded + counts.failed;
  const share = (100 * ended) / Math.max(1, counts.total);
  document.title = `${Math.floor(share)} % · bactofleet`;
  find("progress").textContent = progress;
  find("looked").textContent = `· as of ${formatTime(new Date(1000 * state.time))}`;
  update("counts", counts, () => {
    drawBar(counts);
    drawTiles(counts, showGenomes);
  });
  update("facts", state.facts, drawFacts);
  update("stages", [state.stages, state.running_stages], ([stages, running]) => drawStages(stages, running));
  find("no-problems").hidden = failures.length + exclusions.length > 0;
  update("failures", failures, (groups) => drawGroups("failures", "failed", groups, showGenomes, showGenome));
  update("exclusions", exclusions, (groups) => drawGroups("exclusions", "excluded", groups, showGenomes, showGenome));
  find("main").hidden = false;
  update("timeline", state.timeline, (measured) => drawChart("timeline", measured, describeTimeline, createTimeline));
  update("durations", state.durations, (measured) => drawChart("durations", measured, describeDurations, createHistogram));
}

async function poll() {
  const state = await ask("api/state");
  if (state) {
    find("results").textContent = state.results;
    if (state.time) {
      showState(state);
      await update("time", state.time, fetchRows);
      await genomes.detail.refresh();
      document.body.dataset.ready = "true";
    }
  }
  warn(state?.problem);
  // A page that nobody sees asks for nothing.
  if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  setTimeout(poll, POLL_MS);
}

poll();
