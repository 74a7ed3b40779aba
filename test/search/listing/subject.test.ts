import { expect, it } from 'vitest';
import { subjectOfList } from '../../../src/search/listing';

it.each([
  ['List all built-in encoders.', 'encoders', []],
  ['Which bindings are there?', 'bindings', []],
  ['List all load balancing selection policies.', 'policies', ['load', 'balanc', 'select']],
  ['What are the available methods of the response object?', 'methods', ['respons', 'object']],
  ['List all URLs that it serves.', 'URLs', []],
  ['Which parameter types does it provide?', 'types', ['paramet']],
  ['What types of parameters are there?', 'parameters', []],
])('%s asks for %s', (question, head, terms) => {
  const subject = subjectOfList(question);
  expect(subject?.head).toBe(head);
  expect([...(subject?.terms ?? [])]).toEqual(terms);
});

it('leaves out the names of the project', () => {
  expect([...(subjectOfList('List all caddy modules for cookies.', ['caddy'])?.terms ?? [])]).toEqual(['cooki']);
});
