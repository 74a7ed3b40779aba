import type { ModelFamily } from './family';
import { gemma3 } from './gemma3';
import { granite } from './granite';
import { llama } from './llama';
import { mistral } from './mistral';
import { olmo2 } from './olmo2';
import { phi3 } from './phi3';
import { qwen2 } from './qwen2';
import { qwen3 } from './qwen3';
import { smollm3 } from './smollm3';

/** The model families that the decoder runs. A new family is a file here and an entry in this list. */
const FAMILIES: readonly ModelFamily[] = [llama, mistral, qwen2, qwen3, phi3, granite, olmo2, smollm3, gemma3];

/** The family of a `model_type`. */
export function familyOf(modelType: string): ModelFamily | undefined {
  return FAMILIES.find((family) => family.modelType === modelType || family.alsoModelTypes?.includes(modelType));
}

/** The family of a `general.architecture` in GGUF. */
export function familyOfGguf(architecture: string): ModelFamily | undefined {
  return FAMILIES.find((family) => family.gguf?.architecture === architecture);
}

/** All `model_type`s, for messages. */
export function familyNames(): string {
  return FAMILIES.flatMap(({ modelType, alsoModelTypes = [] }) => [modelType, ...alsoModelTypes]).join(', ');
}

/** All `general.architecture`s, for messages. */
export function ggufArchitectures(): string {
  return FAMILIES.flatMap(({ gguf }) => (gguf ? [gguf.architecture] : [])).join(', ');
}
