import { expect, it } from 'vitest';
import { ByteCache } from '../../src/base';

const newCache = (budget: number) =>
  new ByteCache<string, Uint8Array>(budget, ({ byteLength }, key) => byteLength + key.length);

it('keeps the most recently used values within the budget', () => {
  const cache = newCache(300);
  for (const key of ['a', 'b', 'c']) cache.set(key, new Uint8Array(90));
  cache.get('a');
  cache.set('d', new Uint8Array(90));
  expect(['a', 'b', 'd'].map((key) => cache.get(key)?.byteLength)).toEqual([90, undefined, 90]);
  expect(cache).toMatchObject({ evictions: 1, misses: 1, hits: 3 });
  expect(cache.bytes).toBe(273);
});

it('no longer counts a replaced or removed value', () => {
  const cache = newCache(1_000);
  cache.set('a', new Uint8Array(500));
  cache.set('a', new Uint8Array(20));
  expect(cache.bytes).toBe(21);
  cache.delete('a');
  expect([cache.bytes, cache.evictions]).toEqual([0, 0]);
});

it('keeps a value larger than the budget until the next one is set', () => {
  const cache = newCache(100);
  cache.set('small', new Uint8Array(10));
  cache.set('large', new Uint8Array(500));
  expect([cache.get('small'), cache.get('large')?.byteLength]).toEqual([undefined, 500]);
  cache.set('next', new Uint8Array(10));
  expect([cache.get('large'), cache.get('next')?.byteLength]).toEqual([undefined, 10]);
});

it('keeps nothing without a budget', () => {
  const cache = newCache(0);
  expect(cache.set('a', new Uint8Array(1)).byteLength).toBe(1);
  expect(cache.get('a')).toBeUndefined();
});

it('holds empty values', () => {
  const cache = new ByteCache<string, Uint8Array>(10, ({ byteLength }) => byteLength);
  cache.set('empty', new Uint8Array(0));
  expect(cache.get('empty')?.byteLength).toBe(0);
});
