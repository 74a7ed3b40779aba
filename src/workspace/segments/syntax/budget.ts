import { PARSE_BUDGET_MS } from '../limits';

/**
 * Returns a function that tells when a parse or query has used up its time. Both the clock and this process's CPU time
 * must exceed the budget. Otherwise a busy machine would interrupt a parse early, and the text would be stored without
 * syntax.
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
