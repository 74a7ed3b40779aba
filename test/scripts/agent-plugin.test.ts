import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TOOLS } from '../../src/mcp/tools';

const PLUGIN = 'agent-plugin';
const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(...path), 'utf8')) as unknown;
const { version, bin } = read('package.json') as { version: string; bin: Record<string, string> };

it('has one name and the version of the extension in both formats', () => {
  const standard = read(PLUGIN, 'plugin.json') as Record<string, string>;
  expect(standard).toMatchObject({ name: 'anchorage', version });
  expect(standard['$schema']).toMatch(/^https:\/\/agent-plugins\.org\/schemas\/1\./);
  expect(read(PLUGIN, '.claude-plugin', 'plugin.json')).toMatchObject({ name: 'anchorage', version });
  const { plugins } = read('.claude-plugin', 'marketplace.json') as { plugins: { name: string; source: string }[] };
  expect(plugins.map(({ source }) => existsSync(join(source, 'plugin.json')))).toEqual([true]);
});

it('starts the server of the npm package in both formats', () => {
  for (const file of ['mcp.json', '.mcp.json']) {
    const { mcpServers } = read(PLUGIN, file) as { mcpServers: Record<string, { command: string; args: string[] }> };
    const [, name = '', command] = mcpServers['anchorage']?.args ?? [];
    expect(mcpServers['anchorage']?.command).toBe('npx');
    expect(Object.keys(bin)).toContain(name);
    expect(command).toBe('mcp');
  }
});

it('names exactly the tools that the server has', () => {
  const folder = join(PLUGIN, 'skills');
  for (const name of readdirSync(folder)) {
    const skill = readFileSync(join(folder, name, 'SKILL.md'), 'utf8');
    expect(skill).toContain(`\nname: ${name}\n`);
    const named = [...skill.matchAll(/\| `(\w+)`/g)].map(([, tool]) => tool);
    expect(named.sort()).toEqual(TOOLS.map((tool) => tool.name).sort());
  }
});
