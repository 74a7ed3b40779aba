/** `functions`: the documented functions of a workspace, one JSON object a line, as the training recipe reads them. */
import { documentedFunctions } from '../app';
import type { Arguments } from './arguments';
import type { Session } from './session';
import { writeJson } from './write';

export async function printFunctions(_args: Arguments, session: Session, signal: AbortSignal): Promise<void> {
  await session.index(signal);
  for await (const found of documentedFunctions(session.workspace, signal)) await writeJson(found);
}
