import { expect, it } from 'vitest';
import { KIND_ORDER, kindSource, kindTip } from '../../src/webview/cache/kinds';

it('says in one word what made the rows of each kind, and names the system in the tooltip', () => {
  for (const kind of KIND_ORDER) {
    const { word, system } = kindSource(kind);
    expect(word).toMatch(/^[a-z]+$/);
    if (system) expect(kindTip(kind)).toContain(`(${system})`);
  }
  expect(kindSource('fine')).toEqual({ word: 'memory', system: 'UIO-LLMs' });
  expect(kindSource('earlier').system).toBe('LM-Infinite');
  // Text that is read token by token needs no system.
  expect(kindSource('full').system).toBeUndefined();
});
