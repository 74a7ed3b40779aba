/**
 * Chooses records for a question among all that a team has and this machine has not. It reads sketches only: 256 bytes
 * a record, once. A question then opens the few records that may hold most of its tokens.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { makeDirectory } from '../../base/node';
import type { TokenNeighbours } from '../../protocol/memory';
import type { Manifest } from '../log/manifest';
import { inParallel } from '../../base';
import type { TeamMemory } from '../team-memory';
import { packName } from '../team-memory';
import { Sketch, sketchBytes, sketchQuery } from './sketch';

const LANES = 8;
/** Keys that are looked up before other work gets a turn. */
const TURN = 2_000;

interface Bound {
  sketch: Sketch;
  /** Index into `keys` + 1 of each record of the pack; 0 for records of other workspaces, or stored here. */
  wanted: Int32Array;
}

export class Prefilter {
  private keys: readonly string[] = [];
  private packs: Bound[] = [];
  private readonly sketches = new Map<string, Sketch>();

  /** @param cacheDirectory keeps sketches on this machine; absent: in memory only */
  constructor(
    private readonly team: TeamMemory,
    private readonly cacheDirectory?: string,
  ) {}

  /** Records that a question may open. */
  get records(): number {
    return this.keys.length;
  }

  /**
   * Prepares for questions about these records. Records whose sketch cannot be read are left out.
   * @throws when the signal aborts
   */
  async bind(contentKeys: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const keys: string[] = [];
    const wanted = new Map<Manifest, Int32Array>();
    for (const contentKey of contentKeys) {
      if (keys.length % TURN === TURN - 1) await setImmediate(undefined, { signal });
      const place = this.team.find(this.team.keyOf(contentKey));
      if (!place || place.manifest.sketch.bytes !== sketchBytes(place.manifest.count)) continue;
      let rows = wanted.get(place.manifest);
      if (!rows) wanted.set(place.manifest, (rows = new Int32Array(place.manifest.count)));
      rows[place.row] = keys.push(contentKey);
    }
    await inParallel([...wanted.keys()], LANES, async (manifest) => {
      if (!this.sketches.has(manifest.name)) await this.load(manifest, signal);
      signal?.throwIfAborted();
    });
    this.keys = keys;
    this.packs = [...wanted].flatMap(([{ name }, rows]) => {
      const sketch = this.sketches.get(name);
      return sketch ? [{ sketch, wanted: rows }] : [];
    });
  }

  /** Records whose tokens are most like the question's, best first. */
  best(question: TokenNeighbours, sharpness: number, limit: number): string[] {
    const query = sketchQuery(question, sharpness);
    const top = new Top(limit);
    for (const { sketch, wanted } of this.packs) {
      const scores = new Float32Array(32 * Math.ceil(sketch.records / 32));
      sketch.score(query, scores);
      for (let row = 0; row < wanted.length; row++) {
        const key = wanted[row] as number;
        if (key > 0 && (scores[row] as number) > top.least) top.add(scores[row] as number, key - 1);
      }
    }
    return top.items().map((key) => this.keys[key] as string);
  }

  private async load({ name, count, sketch: { from, bytes, digest } }: Manifest, signal?: AbortSignal): Promise<void> {
    const fits = (read: Uint8Array | undefined): read is Uint8Array =>
      read?.byteLength === bytes && createHash('sha256').update(read).digest().equals(digest);
    const file = this.cacheDirectory === undefined ? undefined : join(this.cacheDirectory, `sketch-${name}`);
    const cached = file === undefined ? undefined : await readFile(file).catch(() => undefined);
    if (fits(cached)) {
      this.sketches.set(name, new Sketch(cached, count));
      return;
    }
    const found = await this.team.options.store
      .get(packName(this.team.folder, name), { range: { from, to: from + bytes }, signal })
      .catch(() => undefined);
    if (!fits(found?.bytes)) return;
    this.sketches.set(name, new Sketch(found.bytes, count));
    if (file !== undefined) await keep(file, found.bytes);
  }
}

async function keep(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    makeDirectory(join(file, '..'));
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  } catch {
    // A full disk: the sketch stays in memory.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Keeps the best of many scores: a binary heap with the least on top. */
class Top {
  private readonly scores: number[] = [];
  private readonly values: number[] = [];

  constructor(private readonly limit: number) {}

  /** A score must be greater than this to be kept. */
  get least(): number {
    return this.scores.length < this.limit ? 0 : (this.scores[0] as number);
  }

  add(score: number, value: number): void {
    const { scores, values } = this;
    let at: number;
    if (scores.length < this.limit) {
      at = scores.length;
      for (let up = (at - 1) >> 1; at > 0 && (scores[up] as number) > score; at = up, up = (at - 1) >> 1) {
        scores[at] = scores[up] as number;
        values[at] = values[up] as number;
      }
    } else {
      at = 0;
      for (let down = 1; down < scores.length; down = 2 * at + 1) {
        if (down + 1 < scores.length && (scores[down + 1] as number) < (scores[down] as number)) down += 1;
        if ((scores[down] as number) >= score) break;
        scores[at] = scores[down] as number;
        values[at] = values[down] as number;
        at = down;
      }
    }
    scores[at] = score;
    values[at] = value;
  }

  /** Values by falling score. */
  items(): number[] {
    return this.values
      .map((value, i) => ({ value, score: this.scores[i] as number }))
      .sort((a, b) => b.score - a.score)
      .map(({ value }) => value);
  }
}
