import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundledCheckpoint, bundledReader, modelNames } from '../../src/app/models';
import { fixture } from '../fixtures';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bundled-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (file: string, text: string) => {
  mkdirSync(join(root, file, '..'), { recursive: true });
  writeFileSync(join(root, file), text);
};

describe('the bundled models', () => {
  it('encode with the checkpoint that has memory slots, also beside a reader with a config.json', async () => {
    write('models/anchorage-8m/config.json', JSON.stringify({ anchorage: { memory: {} } }));
    cpSync(fixture('checkpoints/llama2'), join(root, 'models', 'anchorage-reader-135m'), { recursive: true });
    expect(await bundledCheckpoint(join(root, 'models'))).toBe(join(root, 'models', 'anchorage-8m'));
  });

  it('write with the base beside the bundles and the adapter, where both are there', async () => {
    const reader = () => bundledReader(root, join(root, 'dist'));
    write('models/anchorage-reader-135m/adapter_config.json', '{}');
    expect(await reader()).toBeUndefined();
    const base = 'dist/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf';
    write(base, 'GGUF');
    expect(await reader()).toMatchObject({
      kind: 'bundled',
      directory: join(root, base),
      adapters: [join(root, 'models', 'anchorage-reader-135m')],
      checked: true,
    });
    const chat = { ...(await reader()), compiledDirectory: '', threads: 0 } as never;
    expect(modelNames({ chat })).toEqual({ chat: 'anchorage-reader-135m' });
    rmSync(join(root, 'models', 'anchorage-reader-135m', 'adapter_config.json'));
    expect(await reader()).toBeUndefined();
  });
});
