import { describe, expect, it } from 'vitest';
import { withServer } from '../../../src/host/agents/server-file';

const entry = { command: 'npx', args: ['-y', 'anchorage', 'mcp'] };

describe('withServer', () => {
  it('makes a file', () => {
    expect(JSON.parse(withServer(undefined, 'anchorage', entry))).toEqual({ mcpServers: { anchorage: entry } });
    expect(JSON.parse(withServer(' \n', 'anchorage', entry))).toEqual({ mcpServers: { anchorage: entry } });
  });

  it('keeps other servers and keys, and replaces its own', () => {
    const before = JSON.stringify({
      inputs: [1],
      mcpServers: { other: { command: 'x' }, anchorage: { command: 'old' } },
    });
    expect(JSON.parse(withServer(before, 'anchorage', entry))).toEqual({
      inputs: [1],
      mcpServers: { other: { command: 'x' }, anchorage: entry },
    });
  });

  it.each(['{', '[]', '"text"', '// comment\n{}'])('refuses %j instead of losing it', (before) => {
    expect(() => withServer(before, 'anchorage', entry)).toThrow('.mcp.json');
  });
});
