import type { CheckpointFormat } from './checkpoint-format';
import { ggufFormat } from './gguf';
import { safetensorsFormat } from './safetensors';

/** The weight formats, in the order in which they are tried. A new format is a folder here and a line in this list. */
const FORMATS: readonly CheckpointFormat[] = [safetensorsFormat, ggufFormat];

/** The format of the checkpoint at `path`, a file or a folder; undefined when it is none. */
export async function detectFormat(path: string): Promise<CheckpointFormat | undefined> {
  for (const format of FORMATS) if (await format.detect(path)) return format;
  return undefined;
}

/** Names of all formats, for messages. */
export function formatNames(): string {
  return FORMATS.map(({ name }) => name).join(', ');
}
