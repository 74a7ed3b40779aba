/** A search for rotary factors whose state and result are stored with the checkpoint. */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import type { Checkpoint } from '../checkpoint/types';
import type { Decoder } from '../decoder/decoder';
import { replaceFile, ROPE_FILE, storeFactors } from '../rope/rope-factors';
import { beyondWindow } from './beyond-window';
import { calibrate, type CalibrateOptions, type Calibrated } from './calibrate';
import type { DcisProgress, DcisState } from './dcis';

export interface StoredSearchOptions extends Omit<CalibrateOptions, 'state' | 'onStep'> {
  /** Name of the factors. Default: `dcis-2x` for twice the window. */
  name?: string;
  /** Told once, if an interrupted search is resumed. */
  onResume?: (evaluations: number) => void;
  onProgress?: (progress: DcisProgress) => void;
}

/** Factors under their name, and whether the model runs with it. */
export interface StoredSearch extends Calibrated {
  name: string;
  isUsed: boolean;
}

/**
 * Searches rotary factors and stores them with the checkpoint. An interrupted search with the same text and options is
 * resumed.
 *
 * The checkpoint runs with factors found by perplexity from its next opening on, unless Λ without factors predicts the
 * text beyond the trained window better. A search by needles is for recall, which perplexity does not judge.
 *
 * @throws RangeError when the text is too short; SearchCancelledError, CheckpointError, DecoderError
 */
export async function extendWindow(
  checkpoint: Checkpoint,
  decoder: Decoder,
  { name, onResume, onProgress, ...options }: StoredSearchOptions,
): Promise<StoredSearch> {
  const { factor, objective, rows = 1, seed = 0, asPublished = false, text } = options;
  const named = name ?? `dcis-${factor}x${objective === 'needles' ? '-needles' : ''}${asPublished ? '-published' : ''}`;
  const interrupted = new SearchFile(
    checkpoint.ropeFile.slice(0, -ROPE_FILE.length) + `rope_search_${named}.json`,
    JSON.stringify([
      checkpoint.fingerprint,
      factor,
      objective,
      rows,
      seed,
      asPublished,
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
  let { stored } = calibrated;
  let isUsed = true;
  if (objective === 'perplexity' && decoder.config.slidingWindow === undefined) {
    const { factors, lambda } = await beyondWindow(decoder, stored, judging(text, calibrated.texts), options.signal);
    isUsed = factors <= lambda;
    const compared = `beyond the trained window ${factors.toPrecision(4)}, and ${lambda.toPrecision(4)} under Λ`;
    stored = { ...stored, note: `${stored.note}; ${compared}${isUsed ? '' : ', so the model runs without them'}` };
  }
  await storeFactors(checkpoint.ropeFile, checkpoint.config.rope, named, stored, isUsed);
  await interrupted.remove();
  return { ...calibrated, stored, name: named, isUsed };
}

/** Text behind that of the search, where there is as much: the search fitted its own. */
function judging(text: readonly number[], searched: readonly number[][]): readonly (readonly number[])[] {
  const length = searched[0]?.length ?? 0;
  const behind = text.slice(searched.length * length, (searched.length + 1) * length);
  return behind.length === length ? [behind] : searched;
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
