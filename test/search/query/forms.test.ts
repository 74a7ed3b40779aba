import { expect, it } from 'vitest';
import { comparedIn } from '../../../src/search';
import { formOf } from '../../../src/search/query/forms';

it.each([
  ['Compare keys and keys_unsorted.', ['keys', 'keys_unsorted']],
  ['What is the difference between the stack and the heap?', ['stack', 'heap']],
  ['How does Vec differ from a slice?', ['Vec', 'slice']],
  ['What is the difference between reset --hard and --keep?', ['reset --hard', 'reset --keep']],
  ['rebase vs. merge', ['rebase', 'merge']],
  ['Compare the ip_hash and the client_ip_hash policies.', ['ip_hash policies', 'client_ip_hash policies']],
  ['Was ist der Unterschied zwischen Kopie und Verweis?', ['Kopie', 'Verweis']],
  ['Quelle est la différence entre une copie et une référence ?', ['une copie', 'une référence']],
  ['マップとセットの違いは？', ['マップ', 'セット']],
])('%s compares two sides', (question, sides) => expect(comparedIn(question)).toEqual(sides));

it('finds no sides in other questions', () => {
  expect(comparedIn('How are two versions merged?')).toBeUndefined();
  expect(comparedIn('Where is the comparison of dates?')).toBeUndefined();
});

it.each([
  ['which parameter types does click provide?', 'list'],
  ['which encodings do the readers support?', 'list'],
  ['which version does it support?', 'value'],
  ['which wildcards does the router of version 5 accept?', 'what'],
])('%s is a question of the form %s', (question, form) => expect(formOf(question, false)).toBe(form));
