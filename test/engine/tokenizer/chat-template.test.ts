import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ChatTemplate, type ChatMessage } from '../../../src/engine/tokenizer/chat-template';
import { fixture } from '../../fixtures';

const messages: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
];
const run = (text: string, list: readonly ChatMessage[] = messages) =>
  ChatTemplate.parse(text, 'template').render(list, { bosToken: '<s>' });

describe('a chat template', () => {
  it('is found in tokenizer_config.json and renders a conversation', async () => {
    const template = await ChatTemplate.open(fixture('checkpoints/smollm2'));
    expect(template?.render(messages)).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(template?.render(messages, { addGenerationPrompt: false })).not.toContain('assistant');
    expect(await ChatTemplate.open(fixture('checkpoints/llama2'))).toBeUndefined();
  });

  it('is found in its own file, and among several by name', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'chat-'));
    await writeFile(
      join(directory, 'tokenizer_config.json'),
      JSON.stringify({
        chat_template: [
          { name: 'tool_use', template: 'tools' },
          { name: 'default', template: 'plain' },
        ],
      }),
    );
    expect((await ChatTemplate.open(directory))?.render(messages)).toBe('plain');
    await writeFile(join(directory, 'chat_template.jinja'), '{{ bos_token }}own');
    expect((await ChatTemplate.open(directory))?.render(messages, { bosToken: '<s>' })).toBe('<s>own');
  });

  it('has the globals that published templates use', () => {
    expect(run('{% for i in range(1, 6, 2) %}{{ i }}{% endfor %}{{ True and not false }}')).toBe('135true');
    expect(run('{{ strftime_now("%Y-%m-%d %%") }}')).toMatch(/^\d{4}-\d\d-\d\d %$/);
    expect(
      run(
        '{%- set ns = namespace(n=0) -%}{%- for m in messages -%}{%- set ns.n = ns.n + 1 -%}{%- endfor -%}{{ ns.n }}',
      ),
    ).toBe('2');
  });

  it.each([
    ['refuses', '{{ raise_exception("roles must alternate") }}', 'malformed', /roles must alternate/],
    ['has long white space', `{{ 1 }}${' '.repeat(200_000)}`, 'outOfRange', /white-space characters in a row/],
    ['does not parse', '{% for %}', 'malformed', /cannot be parsed/],
    [
      'loops for long',
      '{% for a in range(3000) %}{% for b in range(3000) %}{{ b }}{% endfor %}{% endfor %}',
      'timeout',
      /more than/,
    ],
    [
      'doubles a text',
      '{% set ns = namespace(s="xxxxxxxxxxxxxxxx") %}{% for a in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}',
      'timeout',
      /text of more/,
    ],
    [
      'doubles a list',
      '{% set ns = namespace(s=[1, 2, 3]) %}{% for a in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}',
      'timeout',
      /list of more/,
    ],
    ['asks for an endless range', '{% for a in range(1000000000) %}{% endfor %}', 'timeout', /range/],
    ['calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', 'malformed', /failed/],
  ] as const)('throws a typed error if it %s', (_, text, code, message) => {
    const started = performance.now();
    try {
      run(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code, file: 'template', field: 'chat_template' });
      expect((error as Error).message).toMatch(message);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
