/** Keeps docs/results/trust.md: one row for each campaign, written by the campaign itself. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { formatNumber } from '../../src/base';
import { type Attacked, drive, type DriveReport } from './drive';

const PAGE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'results', 'trust.md');

/** Whether this is the full campaign, and whether its rows are saved. */
export const LONG = Boolean(process.env['ANCHORAGE_LONG']);
const SAVE = Boolean(process.env['ANCHORAGE_SAVE']);

/** The first seed: a failure names the seed with which to run it again. */
export const SEED = Number(process.env['ANCHORAGE_SEED'] ?? 1);

/** Goes on where the saved row ends: the seeds follow on, and the counts add up. */
const CONTINUE = Boolean(process.env['ANCHORAGE_CONTINUE']);

/** Puts a row into the table of a section, in place of the row with the same first cell. */
export async function saveRow(section: string, cells: readonly (string | number)[]): Promise<void> {
  const texts = cells.map((cell) => (typeof cell === 'number' ? formatNumber(cell) : cell.replaceAll('|', '\\|')));
  const row = `| ${[...texts, new Date().toISOString().slice(0, 10)].join(' | ')} |`;
  console.log(`${section}: ${row}`);
  if (!SAVE) return;
  const lines = readFileSync(PAGE, 'utf8').split('\n');
  const heading = lines.indexOf(`## ${section}`);
  const from = lines.findIndex((line, i) => i > heading && /^\| *-/.test(line));
  if (heading < 0 || from < 0) throw new Error(`${PAGE} has no table below “${section}”.`);
  let to = from + 1;
  while (lines[to]?.startsWith('|')) to++;
  const same = lines.findIndex((line, i) => i > from && i < to && line.split('|')[1]?.trim() === texts[0]);
  if (same < 0) lines.splice(to, 0, row);
  else lines[same] = row;
  const options = { ...(await resolveConfig(PAGE)), parser: 'markdown' };
  writeFileSync(PAGE, await format(lines.join('\n'), options));
}

/** Cells of the saved row of a campaign. */
function savedRow(section: string, name: string): string[] | undefined {
  const page = readFileSync(PAGE, 'utf8');
  const table = page.slice(page.indexOf(`## ${section}\n`)).split('\n## ')[0] ?? '';
  return table
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .find(([, first]) => first === name)
    ?.slice(1, -1);
}

const numberIn = (cell: string | undefined): number =>
  Number(/[\d.]+/.exec((cell ?? '').replaceAll(',', ''))?.[0] ?? 0);

/** Reads inputs up to the given number in all, and saves the row. */
export async function campaign(section: string, attacked: Attacked, inputs: number): Promise<DriveReport> {
  const before = CONTINUE ? (savedRow(section, attacked.name) ?? []) : [];
  const done = numberIn(before[1]);
  const report = await drive(attacked, Math.max(0, inputs - done), SEED + done);
  const refused = Object.values(report.refused).reduce((sum, count) => sum + count, 0);
  await saveRow(section, [
    report.name,
    report.inputs + done,
    report.accepted + numberIn(before[2]),
    refused + numberIn(before[3]),
    report.failures.length + numberIn(before[4]),
    `${Math.max(report.slowestMs / 1_000, numberIn(before[5])).toFixed(2)} s`,
    `${Math.max(Math.round(report.heapGrowthBytes / 1e6), numberIn(before[6]))} MB`,
    `${Math.round(report.seconds + numberIn(before[7]))} s`,
  ]);
  return report;
}
