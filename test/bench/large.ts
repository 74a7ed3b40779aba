/**
 * `npm run bench -- large [files|wide|long]… [--files N] [--entries N] [--megabytes N,N] [--at DIR]`: what is large.
 * `files` indexes 120,000 generated files (700 MB) in the built worker and asks for the status, a rule and words
 * meanwhile. `wide` indexes a folder of 200,000 entries. `long` summarizes, asks about and explains texts of 0.5 and 2
 * GB in the built terminal program. Processor times count, because the machine may be busy. Run `npm run build`
 * before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { indexFiles, indexWideFolder } from './large/indexing';
import { KINDS, readLongFiles } from './large/long-files';

const ARMS = { files: indexFiles, wide: indexWideFolder, long: readLongFiles } as const;

export interface LargeOptions {
  /** Folder for what is generated. */
  scratch: string;
  files: number;
  entries: number;
  /** Sizes of the long texts in bytes. */
  sizes: readonly number[];
  /** Kinds of long texts, and commands over them. */
  kinds: readonly string[];
  commands: readonly string[];
}

export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      files: { type: 'string', default: '120000' },
      entries: { type: 'string', default: '200000' },
      megabytes: { type: 'string', default: '500,2000' },
      kinds: { type: 'string', default: Object.keys(KINDS).join() },
      commands: { type: 'string', default: 'summarize,ask,explain' },
      at: { type: 'string', default: tmpdir() },
    },
  });
  const scratch = mkdtempSync(join(values.at, 'anchorage-large-'));
  const options: LargeOptions = {
    scratch,
    files: Number(values.files),
    entries: Number(values.entries),
    kinds: values.kinds.split(','),
    commands: values.commands.split(','),
    sizes: values.megabytes.split(',').map((size) => Number(size) * 1e6),
  };
  try {
    for (const arm of positionals.length > 0 ? positionals : Object.keys(ARMS)) {
      if (!(arm in ARMS)) throw new Error(`No arm ${arm}: ${Object.keys(ARMS).join(', ')}`);
      await ARMS[arm as keyof typeof ARMS](options);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
