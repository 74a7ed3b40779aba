import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../checkpoint/errors';
import { openWeights } from '../formats/safetensors';
import { readEncoderConfig } from './encoder-config';
import { buildEncoderGraph } from './encoder-graph';

/** The compiled encoder; the tokenizer and `config.json` stand beside it. */
export const ENCODER_FILE = 'encoder.onnx';
const COPIED = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];

/**
 * Compiles a BERT checkpoint (safetensors) into a folder that SentenceEncoder opens: weights in bytes.
 *
 * @returns size of the compiled file in bytes
 * @throws CheckpointError
 */
export async function compileEncoder(source: string, target: string): Promise<number> {
  const config = await readEncoderConfig(source);
  const weights = await openWeights(source);
  try {
    const model = await buildEncoderGraph(config, async (name) => {
      const values = await weights.readFloat32(name);
      if (!values.every(Number.isFinite)) throw new CheckpointError('notFinite', source, name, 'holds NaN or infinity');
      return values;
    });
    await mkdir(target, { recursive: true });
    for (const name of COPIED) await copyFile(join(source, name), join(target, name));
    const partial = join(target, `${ENCODER_FILE}.partial`);
    await writeFile(partial, model);
    await rename(partial, join(target, ENCODER_FILE));
    return model.length;
  } finally {
    await weights.close();
  }
}
