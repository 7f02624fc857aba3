// Tables for people.

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

export function table(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => String(row[i]).length)));
  const line = (cells) => cells.map((cell, i) => (
    typeof cell === 'number' ? String(cell).padStart(widths[i]) : String(cell).padEnd(widths[i]))).join('  ').trimEnd();
  return [head, ...rows].map((cells) => `  ${line(cells)}`).join('\n');
}

export function describeRun(result) {
  const { faults, counts, violations, from } = result;
  const operations = Object.entries(counts).map(([kind, row]) => [kind, row.all, row.ok, row.refused, row.unknown]);
  const lines = [
    `seed ${result.seed}: ${faults.length} faults, ${result.documents} documents at the end, healed in ${seconds(result.healMs)}`,
    table(['fault', 'node', 'at', 'lasted', 'longest pause of writes'], faults.map((fault) => [
      fault.kind + (fault.possible ? '' : ' (refused)'), String(fault.node), seconds(fault.fromMs - from),
      seconds((fault.toMs ?? result.to) - fault.fromMs), `${Math.round(fault.pause.ms)} ms`])),
    table(['operation', 'all', 'answered', 'refused', 'unknown'], operations),
    `  longest pause: writes ${Math.round(result.pause.ms)} ms, reads ${Math.round(result.readPause.ms)} ms`,
    violations.length === 0 ? '  violations: none' : `  VIOLATIONS: ${violations.length} (all of them, logs and the history: ${result.out})`,
    ...violations.slice(0, 10).map(({ kind, id, text }) => `    ${kind}${id ? ` ${id}` : ''}: ${text}`),
  ];
  return lines.join('\n');
}

export function describeRuns(results) {
  const rows = results.map(({ seed, faults, counts, pause, violations }) => {
    const all = Object.values(counts);
    const sum = (name) => all.reduce((total, row) => total + row[name], 0);
    return [seed, faults.length, sum('all'), sum('unknown'), Math.round(pause.ms), violations.length];
  });
  return table(['seed', 'faults', 'operations', 'unknown', 'longest pause (ms)', 'violations'], rows);
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}
