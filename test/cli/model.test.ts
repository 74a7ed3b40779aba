import { cp, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { modelCommand, type ModelIo } from '../../src/cli/model';
import { fixture } from '../fixtures';
import { TestHub } from '../hub/server';
import { writeAnchoredCheckpoint } from '../inference/checkpoints';

let io: ModelIo;
let out: string[];
let streamed: string;
let notes: string[];
let scratch: string;
beforeEach(async () => {
  [out, notes, streamed] = [[], [], ''];
  scratch = await mkdtemp(join(tmpdir(), 'cli-'));
  io = {
    out: (text) => void out.push(text),
    stream: (text) => void (streamed += text),
    note: (text) => void notes.push(text),
    fetch,
    modelsDirectory: join(scratch, 'models'),
  };
});
const run = (...args: string[]) => modelCommand(args, io);
const json = () => JSON.parse(out.at(-1) as string) as Record<string, unknown>;

async function copyOf(family: string): Promise<string> {
  const directory = join(scratch, family);
  await cp(fixture(`checkpoints/${family}`), directory, { recursive: true });
  return directory;
}

async function idsFile(count: number, vocab: number, rows = 1): Promise<string> {
  const path = join(scratch, 'ids.json');
  const row = (r: number) => Array.from({ length: count }, (_, i) => 3 + ((i * 37 + r * 11) % (vocab - 3)));
  await writeFile(path, JSON.stringify(rows === 1 ? row(0) : Array.from({ length: rows }, (_, r) => row(r))));
  return path;
}

describe('anchorage model', () => {
  it('installs a folder or a model of a hub, lists, describes and removes them', async () => {
    expect(await run('add', fixture('checkpoints/smollm2'), '--as', 'small')).toBe(0);
    expect(out.at(-1)).toMatch(/^small: \d+ KB/);
    const hub = await new TestHub().start();
    for (const name of await readdir(fixture('checkpoints/qwen2')))
      hub.files.set(name, new Uint8Array(await readFile(fixture(`checkpoints/qwen2/${name}`))));
    await run('add', 'owner/tiny', '--endpoint', hub.endpoint);
    await hub.stop();
    expect(notes.at(-1)).toContain('100%');
    await run('list', '--json');
    expect((json()['installed'] as { name: string }[]).map(({ name }) => name)).toEqual(['owner--tiny', 'small']);
    await run('list');
    expect(out.at(-1)).toContain('Qwen2.5-Coder-0.5B-Instruct');
    await run('info', 'owner/tiny', '--json');
    expect(json()).toMatchObject({
      architecture: 'qwen2',
      layers: 2,
      trainedWindow: 256,
      weights: 'f32',
      tokenizer: expect.stringContaining('no tokenizer.json') as string,
    });
    await run('info', 'small');
    expect(out.at(-1)).toContain('320 tokens');
    await run('remove', 'small');
    await run('list', '--json');
    expect((json()['installed'] as unknown[]).length).toBe(1);
  });

  it('writes on from a prompt, streamed or as JSON, with chat template and stops', async () => {
    const model = fixture('checkpoints/smollm2');
    expect(
      await run('generate', model, '--prompt', 'The keeper', '--max-tokens', '12', '--temperature', '1', '--seed', '4'),
    ).toBe(0);
    expect(streamed.length).toBeGreaterThan(3);
    expect(notes.at(-1)).toMatch(/tokens read in .* written/);
    await run(
      'generate',
      model,
      '--prompt',
      'The keeper',
      '--max-tokens',
      '12',
      '--temperature',
      '1',
      '--seed',
      '4',
      '--json',
    );
    expect(json()).toMatchObject({ text: streamed, newTokens: 12, reason: 'length', seed: 4 });
    await run('generate', model, '--prompt', 'Hi', '--chat', '--system', 'Be brief.', '--max-tokens', '2', '--json');
    expect(json()['promptTokens']).toBeGreaterThan(20);
    await run(
      'generate',
      model,
      '--prompt',
      'The keeper',
      '--max-tokens',
      '9',
      '--attention',
      'lambda',
      '--window',
      '8',
      '--sinks',
      '2',
      '--json',
    );
    expect(json()['rows']).toBeLessThanOrEqual(10);
    await expect(
      run('generate', model, '--prompt', 'The keeper counted ships', '--max-tokens', '9', '--capacity', '12'),
    ).rejects.toMatchObject({ code: 'contextFull' });
    await run(
      'generate',
      model,
      '--prompt',
      'The keeper counted ships',
      '--max-tokens',
      '9',
      '--capacity',
      '12',
      '--cut',
      'keepEnd',
    );
    expect(notes.join()).toContain('were left out (rule keepEnd)');
  });

  it('reads beyond the window as the product does, or by the best rows of each head', async () => {
    const model = join(scratch, 'anchored');
    writeAnchoredCheckpoint(model, 64);
    const prompt = 'A line of a long text.\n'.repeat(10);
    const generated = async (...flags: string[]) => {
      await run('generate', model, '--prompt', prompt, '--max-tokens', '4', '--json', ...flags);
      return json() as { promptTokens: number; rows: number };
    };
    const own = await generated();
    const byHeads = await generated('--middle-k', '5');
    expect(byHeads.promptTokens).toBe(prompt.length);
    // The anchors of the rule.
    expect(own.promptTokens).toBe(prompt.length + Math.floor((prompt.length - 1) / 23));
    expect(own.rows).toBeLessThan(64 + 16 + (own.promptTokens - prompt.length) + 1);
    // Rows that left the window are kept for the heads.
    expect(byHeads.rows).toBeGreaterThan(own.rows);
  });

  it('adds an adapter, which the model then runs with, and refuses one of another model', async () => {
    const model = await copyOf('llama2');
    const ids = await idsFile(100, 128, 2);
    const nll = async () => {
      await run('perplexity', model, '--ids', ids, '--json');
      return (json()['buckets'] as { nll: number }[])[0]?.nll;
    };
    const before = await nll();
    await run('adapt', model, fixture('checkpoints/llama2-longlora'), '--as', 'long');
    expect(out.at(-1)).toBe(join(model, 'adapters', 'long'));
    expect(await nll()).not.toBe(before);
    const again = run('adapt', model, fixture('checkpoints/llama2-longlora'), '--as', 'long');
    await expect(again).rejects.toMatchObject({ code: 'exists' });
    const other = await copyOf('qwen3');
    await expect(run('adapt', other, fixture('checkpoints/llama2-longlora'))).rejects.toMatchObject({
      code: 'mismatch',
    });
    expect(await readdir(other)).not.toContain('adapters');
  });

  it('measures perplexity by position and the rows held, under each attention', async () => {
    const model = fixture('checkpoints/llama2');
    const ids = await idsFile(200, 128, 2);
    await run('perplexity', model, '--ids', ids, '--json');
    const whole = json() as { buckets: { from: number; to: number; nll: number }[]; rows: number };
    expect(whole.buckets.map(({ from, to }) => [from, to])).toEqual([
      [1, 128],
      [128, 200],
    ]);
    expect(Object.keys(whole)).toEqual(['buckets', 'rows']);
    expect(Object.keys(whole.buckets[0] as object)).toEqual(['from', 'to', 'nll']);
    expect(whole.rows).toBe(199);
    await run('perplexity', model, '--ids', ids, '--attention', 'lambda', '--window', '16', '--sinks', '2', '--json');
    const bounded = json() as typeof whole;
    expect(bounded.rows).toBeLessThan(60);
    expect(bounded.buckets[1]?.nll).not.toBeCloseTo(whole.buckets[1]?.nll as number, 3);
    const narrow = ['--attention', 'lambda', '--window', '16', '--sinks', '2', '--middle-k', '3', '--json'];
    await run('perplexity', model, '--ids', ids, ...narrow);
    const looksBack = json() as typeof whole;
    expect(looksBack.rows).toBe(199);
    expect(looksBack.buckets[1]?.nll).not.toBeCloseTo(bounded.buckets[1]?.nll as number, 3);
    await run('perplexity', model, '--ids', ids, ...narrow.slice(0, 6), '--look-back', '2', '--json');
    const byBlocks = json() as typeof whole;
    expect(byBlocks.buckets[1]?.nll).not.toBeCloseTo(bounded.buckets[1]?.nll as number, 3);
    await run('perplexity', model, '--ids', ids, '--attention', 'anchors', '--anchor-every', '8', '--json');
    expect(json()['rows']).toBeLessThan(80);
    await run('perplexity', model, '--ids', ids, '--attention', 'anchors', '--window', '16', '--anchor-every', '8');
    expect(out.at(-1)).toMatch(/all .*\nat most \d+ rows held/);
    expect(notes.join()).not.toContain('The text has no anchor token');
    await run('perplexity', model, '--ids', ids, '--attention', 'anchors', '--anchor-every', '1000');
    expect(notes.join()).toContain('The text has no anchor token');
    await run('perplexity', model, '--ids', ids, '--rope', 'ntk:2', '--limit', '50', '--json');
    expect(json()['rows']).toBe(49);
    const textFile = join(scratch, 'text.txt');
    await writeFile(textFile, 'The keeper counted ships, wrote their names in a book, and counted again.');
    await run('perplexity', fixture('checkpoints/smollm2'), '--text', textFile, '--json');
    expect((json()['buckets'] as unknown[]).length).toBe(1);
  });

  it('calibrates rotary factors, goes on after an interruption, and uses them by name', async () => {
    const model = await copyOf('llama2');
    const ids = await idsFile(520, 128);
    const abort = new AbortController();
    const interrupted: ModelIo = {
      ...io,
      signal: abort.signal,
      note: (line) => line.startsWith('11 of') && abort.abort(),
    };
    await expect(modelCommand(['calibrate', model, '--factor', '2', '--ids', ids], interrupted)).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(await readdir(model)).toContain('rope_search_dcis-2x.json');
    await run('calibrate', model, '--factor', '2', '--ids', ids, '--json');
    expect(notes[0]).toMatch(/Resuming after \d+ evaluations/);
    expect(new Set(notes).size).toBe(notes.length);
    expect(json()).toMatchObject({ name: 'dcis-2x', extension: 2, evaluations: 61 });
    expect((json()['factors'] as number[]).length).toBe(4);
    expect((await readdir(model)).filter((file) => file.startsWith('rope_'))).toEqual(['rope_factors.json']);
    const nll = async (rope: string) => {
      await run('perplexity', model, '--ids', ids, '--rope', rope, '--limit', '512', '--json');
      return (json()['buckets'] as { nll: number }[]).at(-1)?.nll as number;
    };
    expect(await nll('dcis-2x')).not.toBe(await nll('config'));
    // The model runs with the factors that were stored last.
    await run('perplexity', model, '--ids', ids, '--limit', '512', '--json');
    expect((json()['buckets'] as { nll: number }[]).at(-1)?.nll).toBe(await nll('dcis-2x'));
    await run('info', model, '--json');
    expect(json()['ropeNames']).toEqual(['dcis-2x']);
    await expect(run('calibrate', model, '--factor', '8', '--ids', ids)).rejects.toThrow(/needs at least 2048/);
  });

  it.each([
    [['nonsense'], /no command/],
    [['info'], /Usage: anchorage model info/],
    [['info', '/nowhere'], /neither a checkpoint .* nor an installed model/],
    [['generate', 'M'], /--prompt TEXT or --file/],
    [['generate', 'M', '--prompt', 'x', '--top-p', '7'], /--top-p must be/],
    [['generate', 'N', '--prompt', 'x'], /no tokenizer/],
    [['generate', 'M', '--prompt', 'x', '--attention', 'all'], /--attention is one of/],
    [['perplexity', 'M'], /--text FILE or --ids FILE/],
    [['perplexity', 'M', '--ids', '/nowhere.json'], /nowhere/],
    [['perplexity', 'M', '--window', '5', '--ids', 'I'], /--window needs/],
    [['perplexity', 'M', '--middle-k', '5', '--ids', 'I'], /--middle-k need/],
    [['perplexity', 'M', '--ids', 'BAD'], /entry 1 is 9999/],
    [['calibrate', 'M', '--ids', 'I'], /--factor/],
    [['perplexity', 'M', '--unknown'], /Unknown option/],
  ])('does not understand %j, and says what it wants', async (args, message) => {
    const bad = join(scratch, 'bad.json');
    await writeFile(bad, '[[3, 9999]]');
    const ids = await idsFile(20, 128);
    const filled = args.map(
      (arg) => ({ M: fixture('checkpoints/smollm2'), N: fixture('checkpoints/llama2'), I: ids, BAD: bad })[arg] ?? arg,
    );
    await expect(run(...filled)).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringMatching(message) as string,
    });
  });

  it('shows its help', async () => {
    expect(await run('--help')).toBe(0);
    expect(out.at(-1)).toContain('anchorage model perplexity');
    expect(await run()).toBe(2);
  });
});
