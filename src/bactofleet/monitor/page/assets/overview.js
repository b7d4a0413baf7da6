// Counts, facts, stages and problems.

const STATUSES = ["complete", "excluded", "failed", "running", "submitted", "waiting"];
const ALWAYS_SHOWN = ["complete", "excluded", "failed"];
const formatTime = (date) => `${date.toISOString().slice(11, 19)} UTC`;

function drawBar(counts) {
  const parts = STATUSES.filter((status) => counts[status]);
  find("bar").replaceChildren(...parts.map((status) => create("span", { class: `fill-${status}`, style: `flex-grow:${counts[status]}` })));
}

// `onFilter` gets the filters of the table that show the genomes meant.
function drawTiles(counts, onFilter) {
  const shown = STATUSES.filter((status) => counts[status] || ALWAYS_SHOWN.includes(status));
  replace(find("tiles"), ...shown.map((status) => {
    const tile = createButton("", () => onFilter({ status: `=${status}` }), {
      class: "tile", "data-status": status, "data-key": status, title: "Show these genomes in the table",
    });
    tile.append(create("span", { class: `mark fill-${status}` }), create("strong", {}, formatCount(counts[status])), ` ${status}`);
    return tile;
  }));
}

function drawFacts(facts) {
  find("facts").replaceChildren(...facts.flatMap(([name, value]) => [create("dt", {}, name), create("dd", {}, value)]));
}

function drawStages(stages, running) {
  const longest = Math.max(...stages.map(({ median_s }) => median_s));
  const names = new Set([...stages.map(({ stage }) => stage), ...Object.keys(running)]);
  const rows = [...names].map((name) => {
    const times = stages.find(({ stage }) => stage === name);
    const isSlowest = times?.median_s === longest;
    const length = create("span", { class: "length", style: `width:${times ? 100 * times.median_s / longest : 0}%` });
    const row = createRow(
      create("th", { scope: "row" }, isSlowest ? `${name} (slowest)` : name),
      createNumber(formatCount(running[name] ?? 0)),
      createNumber(times ? formatNumber(times.median_s) : ""),
      createNumber(times ? formatNumber(times.p95_s) : ""),
      create("td", {}, length),
    );
    row.classList.toggle("slowest", isSlowest);
    return row;
  });
  find("stages").hidden = !rows.length;
  find("stages").tBodies[0].replaceChildren(...rows);
}

// Groups of genomes that failed, or were excluded, alike; `onOpen` gets the name of the example.
function drawGroups(id, status, groups, onFilter, onOpen) {
  const element = find(id);
  element.hidden = !groups.length;
  replace(element.querySelector("tbody"), ...groups.map((group) => {
    const { stage, kind, sample, message, genomes } = group;
    const filters = { status: `=${status}`, ...(stage && { stage: `=${stage}` }), ...(kind && { reason: `${kind}: ` }) };
    const key = `${id} ${stage} ${kind}`;
    const show = createButton(formatCount(genomes), () => onFilter(filters), { class: "link", title: "Show these genomes in the table", "data-key": key });
    const open = createButton(sample, () => onOpen(sample), { class: "link", title: "Show this genome", "data-key": `${key} example` });
    return createRow(stage, kind, create("td", { class: "number" }, show), create("td", {}, open, ` ${message}`));
  }));
}
