/** Extends the window of the chosen model on the workspace's own text. */
import * as l10n from '@vscode/l10n';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../base';
import { EngineProcess, type EngineOptions, type ModelChoice } from '../inference';
import type { ExtendedWindow } from '../protocol';
import type { Workspace } from '../workspace';
import type { ProgressListener } from './answering';

/** More characters than a token of prose or code has. */
const TOKEN_CHARACTERS = 8;
/** Trials after which the time that is left can be told. */
const TELLING_TRIALS = 3;
const MINUTE = 60_000;

export interface ExtendParams {
  choice: ModelChoice;
  factor: number;
  workspace: Workspace;
  storageDirectory: string;
  engine: Pick<EngineOptions, 'file' | 'log'>;
  signal: AbortSignal;
  progress: ProgressListener;
}

/**
 * Searches rotary factors for `factor` times the trained window in a process of its own, so that answers can be written
 * meanwhile. The state is stored with the model; a search that was cancelled is resumed by the next one.
 *
 * @throws AppError
 */
export async function extendWindow({
  choice,
  factor,
  signal,
  progress,
  ...rest
}: ExtendParams): Promise<ExtendedWindow> {
  const engine = new EngineProcess({ ...rest.engine, changed: () => undefined });
  try {
    progress(0, l10n.t('Loading the model'));
    await engine.choose({ ...choice, unextended: true });
    const { model } = engine;
    if (!model) throw new AppError('modelFailed', engine.status.detail);
    signal.throwIfAborted();
    const kept = join(rest.storageDirectory, `extend-${model.trainedWindow}-${factor}x.txt`);
    const text = await textFor(kept, model.trainedWindow * factor * TOKEN_CHARACTERS, rest.workspace);
    const told = trialsText();
    const trials = (done: number, total: number): void => progress(done / total, told(done, total));
    const extended = await engine.stream('answer', 'extendWindow', { factor, text }, { trials }, signal);
    await rm(kept, { force: true });
    return extended;
  } finally {
    engine.close();
  }
}

/**
 * Text of the workspace's documents, up to a number of characters. It is kept until the search is done: a search is
 * resumed only on the same text, and files change.
 */
async function textFor(kept: string, characters: number, workspace: Workspace): Promise<string> {
  const before = await readFile(kept, 'utf8').catch(() => undefined);
  if (before !== undefined) return before;
  let text = '';
  for (const { path } of workspace.documents()) {
    if (text.length >= characters) break;
    const read = await workspace.indexed(path);
    if (read) text += `${read.document.text}\n\n`;
  }
  text = text.slice(0, characters);
  await mkdir(join(kept, '..'), { recursive: true });
  await writeFile(kept, text);
  return text;
}

/** Progress with the time that is left, by the trials since the start: a resumed search begins in the middle. */
function trialsText(): (done: number, total: number) => string {
  let first: { done: number; at: number } | undefined;
  return (done, total) => {
    first ??= { done, at: performance.now() };
    const trials = done - first.done;
    const minutes = Math.round(((performance.now() - first.at) / trials / MINUTE) * (total - done));
    if (trials < TELLING_TRIALS || minutes === 0) return l10n.t('{0} of {1} trials', done, total);
    return minutes < 90
      ? l10n.t('{0} of {1} trials, {2} minutes left', done, total, minutes)
      : l10n.t('{0} of {1} trials, {2} hours left', done, total, Math.round(minutes / 60));
  };
}
