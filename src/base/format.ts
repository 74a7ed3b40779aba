/** Formats numbers for users. Panels, terminal and logs all use English digits and units. */

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** Bytes in units of 1,024, as in VS Code and the settings: 1536 → "1.5 KB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** All digits: 1234567 → "1,234,567". */
export function formatNumber(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Exact for small numbers, else rounded: 4096 → "4,096", 1234567 → "1.23M". */
export function formatCount(count: number): string {
  if (count < 100_000) return formatNumber(count);
  const [value, unit] = count < 1_000_000 ? [count / 1_000, 'k'] : [count / 1_000_000, 'M'];
  return `${value >= 100 ? Math.round(value) : value.toPrecision(3)}${unit}`;
}

/** "1 file", "2 files", "1,200 entries". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatNumber(count)} ${count === 1 ? noun : plural}`;
}

/** "<1 ms", "340 ms", "3.4 s", "34 s". */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1) return '<1 ms';
  return milliseconds < 1_000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}

/** Progress (0…1), rounded down so that 100% means done: 0.427 → "42%". */
export function formatPercent(share: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, share)) * 100)}%`;
}

/** A share (0…1) in percent. A small share keeps enough digits to differ from 0. 99.9% becomes "99%", not "100%". */
export function formatShare(share: number): string {
  if (share <= 0) return '0%';
  const percent = share * 100;
  if (percent >= 10) return `${share < 1 ? Math.min(99, Math.round(percent)) : Math.round(percent)}%`;
  return percent < 0.01 ? '<0.01%' : `${Number(percent.toPrecision(2))}%`;
}

/** "12" or "12–30". */
export function formatLines({ startLine, endLine }: { startLine: number; endLine: number }): string {
  return startLine === endLine ? String(startLine) : `${startLine}–${endLine}`;
}

/** Splits a path into the last name and the folder before it ("" if none). */
export function splitPath(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { folder: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
}
