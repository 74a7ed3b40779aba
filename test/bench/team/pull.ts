/** Reading the rows of a million tokens from moto into a local store, against encoding them with the bundled model. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore } from '../../../src/memory';
import { memoryKey } from '../../../src/memory/encode/encoding-units';
import { PATIENT, PatientStore } from '../../../src/team/objects/patient-store';
import { RecordNames, Signer, Trust } from '../../../src/team/log/team-keys';
import { Push } from '../../../src/team/push';
import { TeamMemory } from '../../../src/team/team-memory';
import type { SegmentMemory } from '../../../src/protocol';
import { storeAt } from '../../team/worker-child';
import { SECRET, SIGNING_KEY } from '../../team/workers';
import { bundledEngine } from '../memory/bundled-engine';
import { Moto } from './moto';

const TOKENS = 1_000_000;
/** Texts that the model encodes for the comparison. */
const SAMPLE = 48;
const VERSION = 'bench';

/** Run after `npm run build`. */
export async function benchPull(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'anchorage-bench-pull-'));
  const moto = await Moto.start();
  try {
    const { made, tokens: sampled, seconds: encoding } = await encodeSample(directory);
    const perRecord = sampled / made.length;
    const count = Math.ceil(TOKENS / perRecord);
    const open = (name: string): Promise<MemoryStore> =>
      MemoryStore.open({ directory: join(directory, name), budgetBytes: 1e10, version: VERSION });
    const writer = await open('writer');
    const keys: string[] = [];
    for (let i = 0; i < count; i++) {
      const {
        tokens,
        coarseRows: coarse,
        restRows: rest,
        bytesPerRow,
        ...parts
      } = made[i % made.length] as SegmentMemory;
      keys.push(memoryKey(`record ${i}`, VERSION));
      await writer.put(keys[i] as string, tokens, { coarse, rest, bytesPerRow }, parts);
    }
    const team = (): TeamMemory =>
      new TeamMemory({
        store: new PatientStore(storeAt(moto.endpoint), PATIENT),
        names: new RecordNames(SECRET),
        trust: new Trust([new Signer(SIGNING_KEY).writer], false),
        signer: new Signer(SIGNING_KEY),
        version: VERSION,
      });
    await new Push(team(), { keys, stored: (key) => writer.record(key) }).run();
    const reader = await open('reader');
    const started = performance.now();
    const memory = team();
    await memory.refresh();
    const { pulled, bytes } = await memory.pull(keys, reader, () => true);
    await reader.flush();
    const seconds = (performance.now() - started) / 1_000;
    if (pulled !== count) throw new Error(`${pulled} of ${count} records were read`);
    const tokens = count * perRecord;
    const encodingAll = (encoding / sampled) * tokens;
    console.log(
      `| pull of ${(tokens / 1e6).toFixed(2)}M tokens (${(bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s, ` +
        `${memory.options.store.counts.gets} GETs) against encoding them (${encodingAll.toFixed(0)} s, from ` +
        `${made.length} records in the same run) | ${(encodingAll / seconds).toFixed(1)} × as fast |`,
    );
    await writer.close();
    await reader.close();
  } finally {
    moto.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Encodes texts of this repository with the bundled model and the sentence encoder. */
async function encodeSample(directory: string): Promise<{ made: SegmentMemory[]; tokens: number; seconds: number }> {
  const engine = await bundledEngine(join(directory, 'compiled'), join(process.cwd(), 'dist/models/all-minilm-l6-v2'));
  try {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const texts = sources.slice(0, SAMPLE + 4).map((name) => readFileSync(join('src', name), 'utf8').slice(0, 2_000));
    // The first texts warm the model up.
    await engine.request('encode', { texts: texts.slice(0, 4) });
    const started = performance.now();
    const made: SegmentMemory[] = [];
    for (let i = 4; i < texts.length; i += 6)
      made.push(...(await engine.request('encode', { texts: texts.slice(i, i + 6) })));
    const seconds = (performance.now() - started) / 1_000;
    return { made, tokens: made.reduce((sum, { tokens }) => sum + tokens, 0), seconds };
  } finally {
    engine.close();
  }
}
