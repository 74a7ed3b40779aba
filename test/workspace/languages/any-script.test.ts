/** Patterns written for ASCII, and the letters they match. */
import { expect, test } from 'vitest';
import { inAnyScript } from '../../../src/workspace/languages/any-script';

test.each([
  [/^def\s+([A-Za-z_]\w*)/, 'def größe2(x)', 'größe2'],
  [/^def\s+([A-Za-z_]\w*)/, 'def 計算(x)', '計算'],
  [/^def\s+([A-Za-z_]\w*)/, `def ${'é'.normalize('NFD')}a`, `${'é'.normalize('NFD')}a`],
  [/^([a-z]\w*)\b/, 'écrit le', 'écrit'],
  [/^([A-Z]\w*)/, 'Ångström', 'Ångström'],
  [/^([\w-]+)\s*\{/, 'füll-1 {', 'füll-1'],
])('%s finds the name in %s', (pattern, text, name) => {
  expect(inAnyScript(pattern).exec(text)?.[1]).toBe(name);
});

test.each([
  [/^([A-Z]\w*)/, 'ångström'],
  [/^([a-z]\w*)/, 'Ångström'],
  [/\bend\b/, 'endé'],
  [/\bend\b/, 'éend'],
])('%s does not match %s', (pattern, text) => {
  expect(inAnyScript(pattern).test(text)).toBe(false);
});
