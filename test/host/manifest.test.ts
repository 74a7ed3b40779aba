import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import manifest from '../../package.json';

const { contributes } = manifest;
const commands = contributes.commands.map(({ command }) => command);

test('no keys are taken, and those that the README suggests run commands that exist', () => {
  expect(contributes).not.toHaveProperty('keybindings');
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const suggested = JSON.parse(/```json\n(\[[^`]*"key"[^`]*\])/.exec(readme)?.[1] ?? '') as { command: string }[];
  expect(suggested.length).toBeGreaterThan(0);
  for (const { command } of suggested) expect(commands).toContain(command);
});

test.each([
  ['editor', 'anchorage.editor', ['explain', 'askSelection', 'showSimilar', 'whyLine']],
  ['explorer', 'explorer/context', ['askFolder', 'askPlaces', 'summarizeFile']],
  ['terminal', 'terminal/context', ['askTerminal']],
] as const)('the menu of the %s answers about what is under the pointer', (_, menu, offered) => {
  const items = contributes.menus[menu].map(({ command }) => command);
  expect(items).toEqual(expect.arrayContaining(offered.map((name) => `anchorage.${name}`)));
  for (const item of items) expect(commands).toContain(item);
});

test('the editor’s menu is where its items are', () => {
  expect(contributes.menus['editor/context'].map(({ submenu }) => submenu)).toEqual(['anchorage.editor']);
});

test('the extension runs where the files are', () => {
  expect(manifest.extensionKind).toEqual(['workspace']);
});
