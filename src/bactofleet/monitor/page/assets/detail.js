// One genome in full, beside the table.

class Detail {
  constructor(element) {
    this.element = element;
    this.sample = null;
    element.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
  }

  // Show a genome, with the log of its current stage.
  async open(sample) {
    this.opener = document.activeElement;
    Object.assign(this, { sample, stage: "", shown: "" });
    await this.refresh();
    find("detail-name")?.focus();
  }

  close() {
    this.sample = null;
    this.element.hidden = true;
    const name = this.opener?.dataset.key;
    // The row may have been drawn anew meanwhile.
    (document.querySelector(`#genomes [data-key="${CSS.escape(name ?? "")}"]`) ?? this.opener)?.focus();
  }

  choose(stage) {
    this.stage = stage;
    this.refresh();
  }

  // Ask for the genome again; what is on the page stays untouched where nothing changed.
  async refresh() {
    const { sample, stage } = this;
    if (sample === null) return;
    const found = await ask("api/genome", { sample, stage });
    const text = JSON.stringify([found, stage]);
    if (!found || sample !== this.sample || stage !== this.stage || text === this.shown) return;
    this.shown = text;
    this.draw(found);
  }

  draw(found) {
    const log = this.element.querySelector("pre");
    const follows = !log || log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    const { scrollTop } = log ?? {};
    const { genome, facts, usage } = found;
    replace(this.element, this.drawHead(genome), ...drawReason(found), ...drawMeasures(facts), ...drawUsage(usage), ...this.drawLog(found));
    this.element.hidden = false;
    const newLog = this.element.querySelector("pre");
    if (newLog) newLog.scrollTop = follows ? newLog.scrollHeight : scrollTop;
  }

  drawHead({ sample, status, stage, time }) {
    const name = create("h3", { id: "detail-name", tabindex: "-1", "data-key": "detail name" }, sample);
    const close = createButton("Close", () => this.close(), { "data-key": "detail close" });
    const mark = create("span", { class: `mark fill-${status}` });
    const since = time && ` ${status === "running" ? "since" : "at"} ${time} UTC`;
    const state = create("p", {}, mark, ` ${[status, stage].filter(Boolean).join(" · ")}${since ?? ""}`);
    return create("div", {}, create("header", {}, name, close), state);
  }

  drawLog({ logs, log, link }) {
    const choices = logs.map((stage) => createButton(stage, () => this.choose(stage), {
      "aria-pressed": stage === this.stage, "data-key": `log ${stage}`,
    }));
    const parts = logs.length || log || link ? [create("h4", {}, "Log")] : [];
    if (choices.length) parts.push(create("div", { class: "choices" }, ...choices));
    if (link) parts.push(create("p", {}, create("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, "The whole log in CloudWatch")));
    if (log) {
      parts.push(create("p", { class: "where" }, log.is_cut ? `${log.path}, its end` : log.path));
      parts.push(create("pre", { tabindex: "0", role: "region", "aria-label": "Log" }, log.text));
    }
    return parts;
  }
}

function drawReason({ genome, reason, next }) {
  if (!reason) return [];
  const { type, stage, message, exit_code, attempt } = reason;
  const where = [stage, type, exit_code !== null && `exit status ${exit_code}`, attempt !== null && `attempt ${attempt}`];
  const parts = [create("strong", {}, message), create("div", { class: "where" }, where.filter(Boolean).join(" · "))];
  const told = genome.status === "failed" || genome.status === "excluded" ? [] : [create("p", {}, "The attempt before:")];
  return [...told, create("div", { class: `reason ${genome.status}` }, ...parts), ...(next ? [create("p", {}, next)] : [])];
}

function drawMeasures(facts) {
  if (!facts.length) return [];
  const lines = facts.flatMap(({ name, value, unit, meaning }) => [
    create("dt", { title: meaning }, name),
    create("dd", {}, `${typeof value === "number" ? formatRound(value) : value}${unit && unit !== "UTC" ? ` ${unit}` : ""}`),
  ]);
  return [create("h4", {}, "What is known"), create("dl", { class: "facts" }, ...lines)];
}

function drawUsage(usage) {
  if (!usage.length) return [];
  const cell = (value) => createNumber(value === null ? "" : formatRound(value));
  const rows = usage.map(({ stage, seconds, cpu_seconds, max_rss_mb }) =>
    createRow(create("th", { scope: "row" }, stage), cell(seconds), cell(cpu_seconds), cell(max_rss_mb)));
  const heading = (text, name = "number") => create("th", { scope: "col", class: name }, text);
  const head = createRow(heading("Stage", ""), heading("Seconds"), heading("CPU seconds"), heading("Memory (MB)"));
  return [create("h4", {}, "Stages"), create("table", { class: "plain" }, create("thead", {}, head), create("tbody", {}, ...rows))];
}
