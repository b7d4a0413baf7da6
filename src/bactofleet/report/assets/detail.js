// One genome in full, in a dialog above the page.

class Detail {
  // `read` gives what is known of a genome, with the log of a stage ("" chooses one): genome, reason,
  // next, facts, usage, files, logs, log and link, as the server of `bactofleet serve` describes it.
  // `table` names the genomes before and after it; `onChange` is told that another is shown, or none.
  constructor(element, { read, table, onChange }) {
    Object.assign(this, { element, read, table, onChange, sample: null });
    element.addEventListener("close", () => this.leave());
    // A click beside the dialog closes it.
    element.addEventListener("click", ({ target }) => target === element && element.close());
  }

  async open(sample) {
    if (!this.element.open) this.opener = document.activeElement;
    Object.assign(this, { sample, stage: "", shown: "" });
    await this.refresh();
    if (this.sample !== sample) return;
    // A genome that nobody knows, as an address may name it, is not asked for again.
    if (!this.shown) {
      this.sample = null;
      return;
    }
    if (!this.element.open) this.element.showModal();
    // The end of a log tells most; nothing can be scrolled before it is shown.
    this.element.querySelector("pre")?.scrollTo(0, Number.MAX_SAFE_INTEGER);
    this.element.scrollTop = 0;
    find("detail-name").focus();
    this.onChange();
  }

  leave() {
    const { sample } = this;
    this.sample = null;
    this.onChange();
    // The row may have been drawn anew meanwhile.
    const opener = document.querySelector(`#genomes [data-key="${CSS.escape(sample)}"]`);
    const isOfTable = this.opener?.closest("#genomes") || !this.opener?.isConnected;
    (isOfTable && opener ? opener : this.opener)?.focus();
  }

  choose(stage) {
    this.stage = stage;
    return this.refresh();
  }

  // Ask for the genome again; what is on the page stays untouched where nothing changed.
  async refresh() {
    const { sample, stage } = this;
    if (sample === null) return;
    const found = await this.read(sample, stage);
    const text = JSON.stringify([found, stage]);
    if (!found || sample !== this.sample || stage !== this.stage || text === this.shown) return;
    this.shown = text;
    this.draw(found);
  }

  draw(found) {
    const log = this.element.querySelector("pre");
    const follows = !log || log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    const { scrollTop } = log ?? {};
    const { genome, facts, usage, files } = found;
    const parts = [...drawReason(found), ...drawMeasures(facts), ...drawUsage(usage), ...drawFiles(files), ...this.drawLog(found)];
    replace(this.element, create("div", { class: "sheet" }, this.drawHead(genome), ...parts));
    const newLog = this.element.querySelector("pre");
    if (newLog) newLog.scrollTop = follows ? newLog.scrollHeight : scrollTop;
  }

  drawHead({ sample, status, stage, time }) {
    const step = (text, distance) => {
      const other = this.table.neighbour(sample, distance);
      const button = createButton(text, () => this.open(other), { "data-key": `detail ${text}` });
      button.disabled = other === undefined;
      return button;
    };
    const name = create("h2", { id: "detail-name", tabindex: "-1", "data-key": "detail name" }, sample);
    const close = createButton("Close", () => this.element.close(), { "data-key": "detail close" });
    const mark = create("span", { class: `mark fill-${status}` });
    const since = time && ` ${status === "running" ? "since" : "at"} ${time} UTC`;
    const state = create("p", {}, mark, ` ${[status, stage].filter(Boolean).join(" · ")}${since ?? ""}`);
    const buttons = create("div", { class: "choices" }, step("Previous", -1), step("Next", 1), close);
    return create("div", {}, create("div", { class: "head" }, name, buttons), state);
  }

  drawLog({ logs, log, link }) {
    const choices = logs.map((stage) => createButton(stage, () => this.choose(stage), {
      "aria-pressed": stage === this.stage, "data-key": `log ${stage}`,
    }));
    const parts = logs.length || log || link ? [create("h3", {}, "Log")] : [];
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
  const told = ["failed", "excluded", "unreadable"].includes(genome.status) ? [] : [create("p", {}, "The attempt before:")];
  return [...told, create("div", { class: `reason ${genome.status}` }, ...parts), ...(next ? [create("p", {}, next)] : [])];
}

function drawMeasures(facts) {
  if (!facts.length) return [];
  const lines = facts.flatMap(({ name, value, unit, meaning }) => [
    create("dt", { title: meaning }, name),
    create("dd", {}, `${typeof value === "number" ? formatRound(value) : value}${unit && unit !== "UTC" ? ` ${unit}` : ""}`),
  ]);
  return [create("h3", {}, "What is known"), create("dl", { class: "facts" }, ...lines)];
}

function drawUsage(usage) {
  if (!usage.length) return [];
  const cell = (value) => createNumber(value === null ? "" : formatRound(value));
  const rows = usage.map(({ stage, seconds, cpu_seconds, max_rss_mb }) =>
    createRow(create("th", { scope: "row" }, stage), cell(seconds), cell(cpu_seconds), cell(max_rss_mb)));
  const heading = (text, name = "number") => create("th", { scope: "col", class: name }, text);
  const head = createRow(heading("Stage", ""), heading("Seconds"), heading("CPU seconds"), heading("Memory (MB)"));
  return [create("h3", {}, "Stages"), create("table", { class: "plain" }, create("thead", {}, head), create("tbody", {}, ...rows))];
}

function drawFiles(files) {
  if (!files.length) return [];
  return [create("h3", {}, "Files"), create("ul", { class: "files" }, ...files.map((path) => create("li", {}, create("code", {}, path))))];
}
