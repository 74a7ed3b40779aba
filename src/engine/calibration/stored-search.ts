/** A search for rotary factors whose state and result are stored with the checkpoint. */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import type { Checkpoint } from '../checkpoint/types';
import type { Decoder } from '../decoder/decoder';
import { replaceFile, ROPE_FILE, storeFactors } from '../rope/rope-factors';
import { calibrate, type CalibrateOptions, type Calibrated } from './calibrate';
import type { DcisProgress, DcisState } from './dcis';

export interface StoredSearchOptions extends Omit<CalibrateOptions, 'state' | 'onStep'> {
  /** Name of the factors. Default: `dcis-2x` for twice the window. */
  name?: string;
  /** Told once, if an interrupted search is resumed. */
  onResume?: (evaluations: number) => void;
  onProgress?: (progress: DcisProgress) => void;
}

/**
 * Searches rotary factors and stores them with the checkpoint, which runs with them from its next opening on. An
 * interrupted search with the same text and options is resumed.
 *
 * @throws RangeError when the text is too short; SearchCancelledError, CheckpointError, DecoderError
 */
export async function extendWindow(
  checkpoint: Checkpoint,
  decoder: Decoder,
  { name, onResume, onProgress, ...options }: StoredSearchOptions,
): Promise<Calibrated & { name: string }> {
  const { factor, objective, rows = 1, seed = 0, text } = options;
  const named = name ?? `dcis-${factor}x${objective === 'needles' ? '-needles' : ''}`;
  const interrupted = new SearchFile(
    checkpoint.ropeFile.slice(0, -ROPE_FILE.length) + `rope_search_${named}.json`,
    JSON.stringify([
      checkpoint.fingerprint,
      factor,
      objective,
      rows,
      seed,
      decoder.weights,
      createHash('sha256').update(text.join()).digest('hex'),
    ]),
  );
  const state = await interrupted.read();
  if (state) onResume?.(state.evaluations);
  let told = 0;
  const calibrated = await calibrate(decoder, {
    ...options,
    ...(state ? { state } : {}),
    onStep: async (now, progress) => {
      await interrupted.write(now, progress.evaluations === progress.total);
      // A step that only finishes a segment evaluates nothing.
      if (progress.evaluations === told) return;
      told = progress.evaluations;
      onProgress?.(progress);
    },
  });
  await storeFactors(checkpoint.ropeFile, checkpoint.config.rope, named, calibrated.stored);
  await interrupted.remove();
  return { ...calibrated, name: named };
}

/** The state of a running search, stored beside the checkpoint. A search with another key ignores it. */
class SearchFile {
  private readonly path: string;
  private readonly key: string;
  private written = -Infinity;

  constructor(path: string, key: string) {
    this.path = path;
    this.key = key;
  }

  async read(): Promise<DcisState | undefined> {
    try {
      const { key, state } = JSON.parse(await readFile(this.path, 'utf8')) as { key?: unknown; state?: DcisState };
      return key === this.key ? state : undefined;
    } catch {
      return undefined;
    }
  }

  /** Writes at most once a second, so a crash loses a second of work. */
  async write(state: DcisState, last: boolean): Promise<void> {
    if (!last && performance.now() - this.written < 1000) return;
    await replaceFile(this.path, JSON.stringify({ key: this.key, state }));
    this.written = performance.now();
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
