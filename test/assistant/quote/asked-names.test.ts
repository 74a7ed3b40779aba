import { expect, test } from 'vitest';
import { ask } from '../../../src/assistant/ask';
import { toolsOver } from '../memory-library';

const filler = (n: number): string => Array.from({ length: 4 }, (_, i) => `    step_${n}_${i}(value)\n`).join('');
const FILES = Object.fromEntries(
  ['alpha_limit', 'beta_limit', 'gamma_limit', 'delta_limit', 'epsilon_limit', 'zeta_limit', 'eta_limit'].map(
    (name, n) => [
      `m${n}.py`,
      `def work_${n}(value):\n${filler(n)}    print(${name})\n    ${name} = ${1_000 + n}\n${filler(n + 100)}    return value\n`,
    ],
  ),
);

const shown = async (question: string): Promise<Awaited<ReturnType<typeof ask>>> =>
  ask({ id: 'q', question, scope: { kind: 'workspace' } }, toolsOver(FILES));

test('each asked name is shown at the line of its value, with a citation', async () => {
  const names = ['alpha_limit', 'beta_limit', 'gamma_limit', 'delta_limit', 'epsilon_limit', 'zeta_limit', 'eta_limit'];
  const { markdown, citations } = await shown(
    `What are the values of ${names.map((name) => `\`${name}\``).join(', ')}?`,
  );
  for (const n of names.keys()) expect(markdown).toContain(String(1_000 + n));
  expect(markdown).toContain('Named in the question:');
  for (const citation of citations)
    expect(citation.text).toBe(
      FILES[citation.path]!.split('\n')
        .slice(citation.startLine - 1, citation.endLine)
        .join('\n'),
    );
});

test('a name in an unquoted comment is shown too', async () => {
  const files = {
    'a.ts': `/**\n * Waits for the pool.\n * zanzibar_limit: 17 seconds.\n * Then it gives up.\n */\nexport function waits(pool: Pool): void {\n${'  pool.step();\n'.repeat(20)}}\n`,
  };
  const { markdown } = await ask(
    { id: 'q', question: 'What is `zanzibar_limit`?', scope: { kind: 'workspace' } },
    toolsOver(files),
  );
  expect(markdown).toContain('17 seconds');
});

test('a single asked name, and names that occur nowhere, get no list', async () => {
  expect((await shown('What is the value of `alpha_limit`?')).markdown).not.toContain('Named in the question');
  expect((await shown('Does `alpha_limit` hold for `nowhere_limit`?')).markdown).not.toMatch(
    /Named in the question[\s\S]*nowhere_limit` at/,
  );
});
