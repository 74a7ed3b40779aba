/** Texts of a model, kept on disk by their prompt, so that a run that was stopped goes on where it was. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export class Written<Value> {
  readonly #file: string;
  readonly #values: Record<string, Value>;

  /** @param prompt everything that all tasks share: model and prefix */
  constructor(name: string, ...prompt: readonly string[]) {
    this.#file = join('.cache', 'bench', 'tools', `${name}-${keyOf(prompt)}.json`);
    this.#values = readJson<Record<string, Value>>(this.#file) ?? {};
  }

  /** The value of a task, made now unless an earlier run made it. */
  async of(task: string, make: () => Promise<Value>): Promise<Value> {
    const known = this.#values[task];
    if (known !== undefined) return known;
    const made = await make();
    this.#values[task] = made;
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, JSON.stringify(this.#values, undefined, 1));
    return made;
  }
}

const keyOf = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);

function readJson<Value>(file: string): Value | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Value;
  } catch {
    return undefined;
  }
}
