import { describe, expect, it } from 'vitest';
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatLines,
  formatNumber,
  formatPercent,
  formatShare,
  splitPath,
} from '../../src/base';

describe('format', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KB'],
    [200 * 1024, '200 KB'],
    [5 * 1024 ** 3, '5.0 GB'],
    [3 * 1024 ** 5, '3072 TB'],
  ])('%d bytes: %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [4096, '4,096'],
    [123_456, '123k'],
    [1_000_000, '1.00M'],
    [12_345_678, '12.3M'],
  ])('count %d: %s', (count, text) => expect(formatCount(count)).toBe(text));

  it('keeps all digits of a number', () => expect(formatNumber(1_234_567)).toBe('1,234,567'));

  it.each([
    [0, '0 files'],
    [1, '1 file'],
    [1_200, '1,200 files'],
  ])('counted %d: %s', (count, text) => expect(counted(count, 'file')).toBe(text));

  it('takes an irregular plural', () => expect(counted(2, 'entry', 'entries')).toBe('2 entries'));

  it.each([
    [0.2, '<1 ms'],
    [350, '350 ms'],
    [1_240, '1.2 s'],
    [61_000, '61 s'],
  ])('%d ms: %s', (time, text) => expect(formatDuration(time)).toBe(text));

  it.each([
    [0.999, '99%'],
    [1, '100%'],
    [-1, '0%'],
  ])('progress %d: %s', (share, text) => expect(formatPercent(share)).toBe(text));

  it.each([
    [0, '0%'],
    [0.00001, '<0.01%'],
    [0.0042, '0.42%'],
    [0.034, '3.4%'],
    [0.5, '50%'],
    [0.999, '99%'],
    [1, '100%'],
  ])('share %d: %s', (share, text) => expect(formatShare(share)).toBe(text));

  it('names lines', () =>
    expect([formatLines({ startLine: 3, endLine: 3 }), formatLines({ startLine: 3, endLine: 9 })]).toEqual([
      '3',
      '3–9',
    ]));

  it('splits paths', () =>
    expect([splitPath('a/b/c.ts'), splitPath('c.ts')]).toEqual([
      { folder: 'a/b', name: 'c.ts' },
      { folder: '', name: 'c.ts' },
    ]));
});
