import { PARSE_BUDGET_MS } from '../limits';

/**
 * Tells when a parse or a query has had its time. Beside other work a second on the clock may be a tenth of one here,
 * and a text given up then would be kept as it was cut without its syntax: so this process must have worked that long
 * too.
 */
export function parseBudget(): () => boolean {
  const deadline = performance.now() + PARSE_BUDGET_MS;
  const before = process.cpuUsage();
  return () => {
    if (performance.now() <= deadline) return false;
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 > PARSE_BUDGET_MS;
  };
}
