/** Chooses the units and composes the prompt that a model reads for a question. */
import type { ChatMessage, Writer } from '../../protocol';
import { AppError, counted } from '../../base';
import type { Evidence } from '../quote/evidence';
import { promptOf, type Task } from './prompt';
import { candidateUnits, chooseUnits, type Unit } from './units';

export interface Reading {
  units: readonly Unit[];
  chat: ChatMessage[];
}

/** Tokens of units beside a question that is longer than the context. */
const LEAST_ROOM = 1_000;
/** Rows kept for the answer. */
const ANSWER_ROWS = 300;

/**
 * Undefined if there is nothing to read, or the units do not hold the question's subject.
 *
 * @throws AppError('contextFull') if the task alone does not fit
 */
export async function readingFor(
  evidence: Pick<Evidence, 'passages' | 'weights' | 'wantsTests'>,
  task: Task,
  writer: Writer,
  signal?: AbortSignal,
): Promise<Reading | undefined> {
  const candidates = candidateUnits(evidence, evidence.wantsTests);
  const [frame = 0] = await writer.countChats([promptOf([], task, writer)], signal);
  const left = writer.contextTokens - ANSWER_ROWS - frame;
  // A question that is longer than the context, such as a log, is read whole, and the best units with it.
  const room = writer.anyLength ? Math.max(left, LEAST_ROOM) : left;
  if (room <= 0)
    throw new AppError(
      'contextFull',
      `the question takes ${counted(frame, 'token')}, and the model has room for ${Math.max(0, room + frame)}.`,
    );
  const { units } = await chooseUnits(candidates, writer, (chosen) => promptOf(chosen, task, writer), room, signal);
  if (units.length === 0 || !isGrounded(units, evidence)) return undefined;
  return { units, chat: promptOf(units, task, writer) };
}

/** Minimum share of the question's weight in the units. */
const GROUNDED = 0.35;

function isGrounded(units: readonly Unit[], { weights }: Pick<Evidence, 'weights'>): boolean {
  return weights.covered(units.map(({ quote }) => quote).join('\n')) >= GROUNDED;
}
