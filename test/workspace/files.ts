import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';

export const SETTINGS = { filesExclude: ['**/.git'], maxFileBytes: 1_000_000 };

/** A workspace in a temporary folder, with room for a store beside it. */
export class TestWorkspace {
  readonly scratch = mkdtempSync(join(tmpdir(), 'anchorage-workspace-'));
  readonly root = join(this.scratch, 'work');
  readonly storage = join(this.scratch, 'store');

  constructor() {
    mkdirSync(this.root);
  }

  get folders(): { name: string; directory: string }[] {
    return [{ name: 'work', directory: this.root }];
  }

  put(path: string, text: string | Uint8Array): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Writes files of several languages, each with a unique word. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) this.put(`src/part${i % 7}/module${i}.${['ts', 'py', 'md'][i % 3]}`, sample(i));
  }

  dispose(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

export function word(i: number): string {
  return `kw${String(i)
    .padStart(4, '0')
    .replace(/\d/g, (digit) => 'bcdfghjklm'[Number(digit)] ?? '')}q`;
}

function sample(i: number): string {
  const body = Array.from({ length: 30 }, (_, n) => n);
  if (i % 3 === 0)
    return `/** Handles ${word(i)}. */\nexport function handle${i}(value: number): number {\n${body.map((n) => `  value += ${n} * ${i};`).join('\n')}\n  return value;\n}\n`;
  if (i % 3 === 1)
    return `class Service${i}:\n    """Serves ${word(i)}."""\n\n    def run(self):\n${body.map((n) => `        self.step(${n})`).join('\n')}\n`;
  return `# Guide ${i}\n\nAll about ${word(i)}.\n\n## Use\n\n${body.map((n) => `Paragraph ${n} of guide ${i}.`).join('\n\n')}\n`;
}

/** Bundles an entry of a thread or a child process, like the product's build. Returns the path of the script. */
export function bundle(entry: string, outfile: string): string {
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}
