/** Texts of gigabytes in the built terminal program: what a command takes, and what it says. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LargeOptions } from '../large';
import { childrenOf, peakBytes, processorSeconds } from './process';
import { randomOf, textOf } from './texts';

const CLI = join(process.cwd(), 'dist', 'cli.js');
const WATCH_MS = 100;
const PIECE = 8 << 20;

/** Fills one buffer, and writes it again and again with another word each time. */
export const KINDS: Readonly<Record<string, { name: string; piece: () => string }>> = {
  prose: { name: 'log.txt', piece: () => textOf('md', PIECE, randomOf(1)) },
  source: { name: 'big.ts', piece: () => textOf('ts', PIECE, randomOf(2)) },
  minified: {
    name: 'app.min.js',
    piece: () =>
      textOf('ts', PIECE, randomOf(3))
        .replace(/\n/g, ' ')
        .replace(/\/\*\*.*?\*\//g, ''),
  },
  line: { name: 'data.txt', piece: () => textOf('md', PIECE, randomOf(4)).replace(/\n+/g, ' ') },
};

export async function readLongFiles({ scratch, sizes, kinds, commands }: LargeOptions): Promise<void> {
  const root = join(scratch, 'long');
  mkdirSync(root, { recursive: true });
  for (const [kind, { name, piece }] of Object.entries(KINDS).filter(([kind]) => kinds.includes(kind)))
    for (const bytes of sizes) {
      const file = join(root, `${bytes / 1e6}-${name}`);
      fill(file, piece(), bytes, kind === 'prose' || kind === 'source' ? '\n' : ' ');
      console.log(`long: ${kind}, ${bytes / 1e6} MB`);
      for (const command of [
        ['summarize', file],
        ['ask', 'what is zzneedle99x?', '--in', file],
        ['explain', `${file}:1000`],
      ].filter(([command = '']) => commands.includes(command)))
        await report(root, [...command, '--workspace', root]);
      closeSync(openSync(file, 'w'));
    }
}

function fill(file: string, piece: string, bytes: number, gap: string): void {
  const to = openSync(file, 'w');
  for (let written = 0, i = 0; written < bytes; i++)
    written += writeSync(to, `zzneedle${i}x marks this.${gap}${piece}`);
  closeSync(to);
}

/** Runs a command and prints its processor time, its largest memory, and the first words that it says. */
async function report(directory: string, command: readonly string[]): Promise<void> {
  const started = performance.now();
  const child = spawn(process.execPath, [CLI, ...command], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const pid = child.pid as number;
  let peak = 0;
  let processor = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, peakBytes(pid));
    const all = [pid, ...childrenOf(pid)];
    processor = Math.max(
      processor,
      all.reduce((sum, each) => sum + processorSeconds(each), 0),
    );
  }, WATCH_MS);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(watch);
  const said = output.replace(/\s+/g, ' ').trim();
  console.log(
    `  ${command[0]}: exit ${status}, ${processor.toFixed(1)} s of processor time ` +
      `(${((performance.now() - started) / 1_000).toFixed(1)} s here), peak ${Math.round(peak / 1e6)} MB: ` +
      `${said.length > 150 ? `${said.slice(0, 150)}…` : said}`,
  );
}
