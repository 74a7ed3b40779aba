import { join } from 'node:path';
import { bundledCheckpoint } from '../../../src/app/models';
import { EngineProcess } from '../../../src/inference/engine-process';

/** The bundled model in a process of its own, from the built bundles. Run after `npm run build`. */
export async function bundledEngine(compiledDirectory: string, encoderDirectory?: string): Promise<EngineProcess> {
  const directory = await bundledCheckpoint(join(process.cwd(), 'models'));
  if (directory === undefined) throw new Error('There is no bundled model in models/.');
  const engine = new EngineProcess({
    file: join(process.cwd(), 'dist/inference.js'),
    log: () => {},
    changed: () => {},
  });
  await engine.choose({
    kind: 'bundled',
    directory,
    compiledDirectory,
    ...(encoderDirectory === undefined ? {} : { encoderDirectory }),
    weights: 'auto',
    threads: 0,
  });
  return engine;
}
