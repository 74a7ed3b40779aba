import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundledCheckpoint } from '../../src/app/models';
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
  it('encode with the checkpoint that has memory slots, also where the reader’s folder has a config.json', async () => {
    write('models/anchorage-8m/config.json', JSON.stringify({ anchorage: { memory: {} } }));
    cpSync(fixture('checkpoints/llama2'), join(root, 'models', 'anchorage-reader-135m'), { recursive: true });
    expect(await bundledCheckpoint(join(root, 'models'))).toBe(join(root, 'models', 'anchorage-8m'));
  });
});
