import { describe, expect, it } from 'vitest';
import { asksForValue, givesAsked, givesNumber } from '../../../src/search/query/values';

describe('values', () => {
  it.each([
    'how many letters fit?',
    'which port is used?',
    'wie lange wird gewartet?',
    'wie groß ist das fach?',
    'nach wie vielen tagen?',
    'à quelle fréquence ?',
    'quelle durée faut-il ?',
    'сколько дней?',
    'какого размера раздел?',
    '最小サイズは？',
    '多久过期？',
  ])('are asked for by "%s"', (question) => expect(asksForValue(question)).toBe(true));

  it('are not asked for by a question for a way', () => {
    expect(asksForValue('how are letters sorted?')).toBe(false);
  });

  it.each([
    ['how often is it read?', 'It is read every 15 minutes.', 'It holds 15 files.'],
    ['wie oft wird sie gelesen?', 'Sie wird alle 15 Minuten gelesen.', 'Sie hat 15 Plätze.'],
    ['combien de temps faut-il ?', 'Il faut deux semaines.', 'Il faut deux clés.'],
    ['за какое время?', 'В течение двух недель.', 'Есть два ключа.'],
    ['何日待ちますか？', '10 日待ちます。', '10 個あります。'],
    ['多久运行一次？', '每 7 天运行一次。', '共有 7 个文件。'],
    ['wie groß ist der bereich?', 'Er hat 512 MB.', 'Er hat 3 Fächer.'],
    ['сколько памяти нужно?', 'Нужно 256 МБ.', 'Нужно 3 ключа.'],
  ])('of the kind that "%s" asks for', (question, right, wrong) => {
    const gives = givesAsked(question);
    expect([gives(right), gives(wrong)]).toEqual([true, false]);
  });

  it('of any kind where the question names none', () => {
    expect(givesAsked('how many letters fit?')('It holds 15 letters.')).toBe(true);
  });

  it('are numbers in figures and words, but no numbers of items', () => {
    expect(givesNumber('It waits for 30 days.')).toBe(true);
    expect(givesNumber('It waits three times.')).toBe(true);
    expect(givesNumber('2. Open the drawer.')).toBe(false);
  });
});
