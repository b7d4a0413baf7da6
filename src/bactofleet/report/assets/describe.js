// One genome from the columns of the report, as the server of `bactofleet serve` describes it.

const REASON = "reason_";
const USAGE = /^(\w+)_(seconds|cpu_seconds|max_rss_mb)$/;
// Shown elsewhere in the dialog.
const TOLD = new Set(["sample", "status", "tarball_path"]);

// `row` is the genome's number; `tail` the end of its log, if it failed; `records` has the folder of its
// record by status. All columns must be loaded.
function describeGenome(columns, row, tail, records) {
  const known = columns.map((column) => ({ ...column, value: column.values[row] })).filter(({ value }) => value !== null);
  const values = Object.fromEntries(known.map(({ name, value }) => [name, value]));
  const usage = Map.groupBy(known.filter(({ name }) => USAGE.test(name)), ({ name }) => USAGE.exec(name)[1]);
  const facts = known.filter(({ name }) => !TOLD.has(name) && !name.startsWith(REASON) && !USAGE.test(name));
  const { reason_type: type, reason_stage: stage, reason_message: message } = values;
  const { reason_exit_code = null, reason_attempt = null, reason_log } = values;
  return {
    genome: { sample: values.sample, status: values.status, stage },
    reason: message || type ? { type, stage, message: message ?? "", exit_code: reason_exit_code, attempt: reason_attempt } : null,
    facts: facts.map(({ name, heading, value, unit, meaning }) => ({ name: heading || name.replaceAll("_", " "), value, unit, meaning })),
    usage: [...usage].map(([of, parts]) => ({
      stage: of, seconds: null, cpu_seconds: null, max_rss_mb: null,
      ...Object.fromEntries(parts.map(({ name, value }) => [USAGE.exec(name)[2], value])),
    })),
    files: listFiles(values, records),
    logs: [],
    log: tail ? { path: reason_log ?? "", text: tail.join("\n"), is_cut: true } : null,
    link: null,
  };
}

// What there is of a genome, in the results folder or at its address.
function listFiles({ sample, status, tarball_path, reason_log }, records) {
  return [records[status] && `${records[status]}/${sample}.json`, tarball_path, reason_log].filter(Boolean);
}
