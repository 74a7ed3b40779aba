import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/vscode/**', 'test/bench/**', ...(process.env['ANCHORAGE_LONG'] ? [] : ['test/**/*.long.test.ts'])],
    globalSetup: 'test/temporary-folder.ts',
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A condition that comes late on a busy machine is no failure.
    expect: { poll: { timeout: 20_000 } },
    // Processes that start late make some tests of them fail once. `npm test` names what passed only when repeated.
    retry: process.env['ANCHORAGE_LONG'] ? 0 : 1,
    pool: 'forks',
    maxWorkers: 2,
  },
});
