/** `segments`: the documented functions of a workspace, one JSON object a line, as the training recipe reads them. */
import type { Arguments } from './arguments';
import type { Session } from './session';
import { writeJson } from './write';
import { extractFunctions } from '../workspace';

export async function printFunctions(_args: Arguments, session: Session, signal: AbortSignal): Promise<void> {
  await session.index(signal);
  for (const { path } of session.library.documents()) {
    signal.throwIfAborted();
    const read = await session.library.indexed(path);
    if (!read) continue;
    const { document, segmented } = read;
    for (const found of extractFunctions(document, segmented))
      await writeJson({ path, language: document.language, ...found });
  }
}
