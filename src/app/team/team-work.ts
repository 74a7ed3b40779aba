/** The work of `anchorage memory`: pushing, pulling and sweeping a team's memory for a workspace that is indexed. */
import * as l10n from '@vscode/l10n';
import { AppError } from '../../base';
import { encodeAndStore, type EncodingUnit } from '../../memory';
import { checkConditions, Push, type PushResult, sweep, type SweepResult } from '../../team';
import type { TeamStatus } from '../../protocol';
import { indexFormat } from '../../workspace';
import type { Session as WholeSession } from '../session';
import type { TeamRows } from './team-rows';

/** The parts of a session that the work uses. */
type Session = Pick<WholeSession, 'workspace' | 'memory' | 'engines'>;

type Opened = NonNullable<Session['memory']['opened']> & { team: TeamRows };

/** Characters encoded at once, as in the background. */
const BATCH_CHARACTERS = 12_000;

export interface WorkOptions {
  signal?: AbortSignal | undefined;
  progress?: (done: number, all: number) => void;
}

/**
 * Encodes what nobody has encoded and commits it, together with other workers on the same workspace.
 * @throws AppError when this process may not write, ObjectStoreError when the store fails
 */
export async function pushRows(session: Session, options: WorkOptions = {}): Promise<PushResult> {
  const opened = await openedFor(session);
  const { team, store, encoding, coder } = opened;
  if (!team.place?.mayWrite)
    throw new AppError<'misconfigured'>(
      'misconfigured',
      l10n.t(
        'This process may not write the team’s memory: its signing key is missing, or the address does not name it.',
      ),
      l10n.t('Set ANCHORAGE_MEMORY_SIGNING_KEY to the key that belongs to a writer in the address.'),
    );
  if (!store.writable)
    throw new AppError(
      'storeLocked',
      l10n.t('Another process encodes this workspace.'),
      l10n.t('Close its window, or wait for it.'),
    );
  const memory = memoryOf(team);
  await checkConditions(memory, options.signal);
  const units = new Map<string, { path: string; unit: EncodingUnit }>();
  for (const { path, units: own } of encoding.documents()) for (const unit of own) units.set(unit.key, { path, unit });
  const encode = async (keys: readonly string[], signal = new AbortController().signal): Promise<void> => {
    let texts: string[] = [];
    let batch: string[] = [];
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await encodeAndStore(texts, batch, { coder, store }, signal);
      [texts, batch] = [[], []];
    };
    for (const key of keys) {
      const { path, unit } = units.get(key) as { path: string; unit: EncodingUnit };
      const found = await session.workspace.indexed(path);
      // The file has changed since it was indexed; the next push encodes it.
      if (!found) continue;
      texts.push(found.document.text.slice(unit.start, unit.end));
      batch.push(key);
      if (texts.reduce((sum, { length }) => sum + length, 0) >= BATCH_CHARACTERS) await flush();
    }
    await flush();
  };
  const source = { keys: [...units.keys()], stored: (key: string) => store.record(key), encode };
  const result = await new Push(memory, source, options).run();
  await store.flush();
  return result;
}

export interface PullFigures {
  segments: number;
  /** Segments with rows after this run, and those that it has read. */
  encoded: number;
  pulled: number;
  bytes: number;
  seconds: number;
}

/** Reads the rows that the team has. Encodes nothing. */
export async function pullRows(session: Session, { signal }: WorkOptions = {}): Promise<PullFigures> {
  const { team, encoding } = await openedFor(session);
  memoryOf(team);
  const started = performance.now();
  const before = team.status;
  await team.pull(encoding.missingKeys(), signal ?? new AbortController().signal, () => undefined);
  const after = team.status;
  if (after.reason !== undefined)
    throw new AppError<'team'>('team', l10n.t('The team’s memory cannot be read: {0}', after.reason));
  const status = session.memory.status;
  return {
    segments: status?.segments ?? 0,
    encoded: (status?.segments ?? 0) - encoding.missingKeys().length,
    pulled: after.pulled - before.pulled,
    bytes: after.pulledBytes - before.pulledBytes,
    seconds: (performance.now() - started) / 1_000,
  };
}

/** Counts the records that the team has. @throws AppError when it cannot be read */
export async function teamStatus(session: Session): Promise<TeamStatus & { segments: number; shared: number }> {
  const { team, encoding } = await openedFor(session);
  const memory = memoryOf(team);
  await memory.refresh({ force: true });
  const keys = new Set([...encoding.documents()].flatMap(({ units }) => units.map(({ key }) => key)));
  let shared = 0;
  for (const key of keys) if (memory.has(key)) shared += 1;
  return { ...team.status, segments: keys.size, shared };
}

/** @param unused also collects packs that hold nothing of this workspace */
export async function sweepTeam(session: Session, unused: boolean, options: WorkOptions = {}): Promise<SweepResult> {
  const { team, encoding } = await openedFor(session);
  const used = [...encoding.documents()].flatMap(({ units }) => units.map(({ key }) => key));
  return sweep(memoryOf(team), { ...options, indexVersion: indexFormat(), ...(unused ? { used } : {}) });
}

/** @throws AppError when the team or the model cannot be used */
async function openedFor({ memory, engines }: Session): Promise<Opened> {
  await memory.openStored();
  const { opened } = memory;
  if (!opened)
    throw new AppError(
      'modelFailed',
      l10n.t('No model with memory slots is in use: {0}', engines.memory.status.detail),
      l10n.t('Use the bundled model; it has memory slots.'),
    );
  if (!opened.team)
    throw new AppError<'misconfigured'>(
      'misconfigured',
      l10n.t('There is no address of a team’s memory.'),
      l10n.t('Give it with --shared or in ANCHORAGE_MEMORY_SHARED. `anchorage memory keys` shows how to begin.'),
    );
  return { ...opened, team: opened.team };
}

function memoryOf(team: TeamRows): NonNullable<TeamRows['memory']> {
  if (!team.memory) throw team.failure;
  return team.memory;
}
