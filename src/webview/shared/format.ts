export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** 1234567 → "1.23M", 4096 → "4,096": exact while it is short. */
export function formatCount(count: number): string {
  if (count < 100_000) return Math.round(count).toLocaleString('en-US');
  const [value, unit] = count < 1_000_000 ? [count / 1_000, 'k'] : [count / 1_000_000, 'M'];
  return `${value >= 100 ? Math.round(value) : value.toPrecision(3)}${unit}`;
}

export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds < 1) return '<1 ms';
  return milliseconds < 1_000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}

/** A share as a percentage with as many digits as it takes to tell it from nothing; nearly all is not all. */
export function formatShare(share: number): string {
  if (share <= 0) return '0%';
  const percent = share * 100;
  if (percent >= 10) return `${share < 1 ? Math.min(99, Math.round(percent)) : Math.round(percent)}%`;
  return percent < 0.01 ? '<0.01%' : `${Number(percent.toPrecision(2))}%`;
}

export function formatLines(span: { startLine: number; endLine: number }): string {
  return span.startLine === span.endLine ? String(span.startLine) : `${span.startLine}–${span.endLine}`;
}

/** The last name of a path, and what stands before it. */
export function splitPath(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { folder: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
}
