import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, it } from 'mocha';
import { given } from './workbench';

describe('the server for agents', () => {
  it('runs from the installed extension, and answers a client of the protocol', async () => {
    const extensions = path.join(given.home, 'extensions');
    const installed = readdirSync(extensions).find((name) => /anchorage/.test(name));
    assert.ok(installed, 'the extension is installed');
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [path.join(extensions, installed, 'dist', 'mcp.js'), '--workspace', given.workspace],
        env: { ...(process.env as Record<string, string>), XDG_CACHE_HOME: path.join(given.home, 'agents-cache') },
        stderr: 'ignore',
      }),
    );
    try {
      const { tools } = await client.listTools();
      assert.ok(['search', 'ask', 'read_span'].every((name) => tools.some((tool) => tool.name === name)));
      const found = await client.callTool({ name: 'search', arguments: { query: 'no free berth is long enough' } });
      assert.match(JSON.stringify(found.structuredContent), /src\/berths\/booking\.ts/);
    } finally {
      await client.close();
    }
  });
});
