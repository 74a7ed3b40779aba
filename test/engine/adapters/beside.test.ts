import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { adaptersFolder, withAdapters } from '../../../src/engine';
import { fixture, readJsonFixture } from '../../fixtures';

let models: string;
let base: string;
beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), 'models-'));
  base = join(models, 'maker--llama2');
  await cp(fixture('checkpoints/llama2'), base, { recursive: true });
});

async function putAdapter(at: string, baseName = 'maker/llama2'): Promise<string> {
  await cp(fixture('checkpoints/llama2-longlora'), at, { recursive: true });
  const config = readJsonFixture<object>('checkpoints/llama2-longlora/adapter_config.json');
  await writeFile(join(at, 'adapter_config.json'), JSON.stringify({ ...config, base_model_name_or_path: baseName }));
  return at;
}

describe('adapters that lie with a checkpoint', () => {
  it('are those of its folder “adapters”, by name', async () => {
    expect(await withAdapters(base)).toEqual({ path: base, adapters: [] });
    const second = await putAdapter(join(adaptersFolder(base), 'b'));
    const first = await putAdapter(join(adaptersFolder(base), 'a'));
    await mkdir(join(adaptersFolder(base), 'empty'));
    expect(await withAdapters(base)).toEqual({ path: base, adapters: [first, second] });
  });

  it('may lie in the folder itself, and beside a .gguf file', async () => {
    await putAdapter(base);
    expect(await withAdapters(base)).toEqual({ path: base, adapters: [base] });
    const gguf = join(models, 'other.gguf');
    await writeFile(gguf, 'GGUF');
    const adapter = await putAdapter(join(models, 'other.gguf.adapters', 'one'));
    expect(await withAdapters(gguf)).toEqual({ path: gguf, adapters: [adapter] });
  });

  it('open with their base, if it is installed beside them', async () => {
    const adapter = await putAdapter(join(models, 'maker--llama2-long'));
    expect(await withAdapters(adapter)).toEqual({ path: base, adapters: [adapter] });
    const lost = await putAdapter(join(models, 'lost'), 'maker/absent');
    await expect(withAdapters(lost)).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringMatching(/adapter for "maker\/absent", which is not installed/) as string,
    });
  });
});
