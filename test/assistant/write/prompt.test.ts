import { expect, test } from 'vitest';
import { answerForm, taskOf } from '../../../src/assistant/write/prompt';

test.each([
  ['What is the difference between BindJSON and ShouldBindJSON?', 'compare'],
  ['Why must a Context be copied?', 'why'],
  ['Which modes can gin run in?', 'list'],
  ['What are the two phases of the borrow checker?', 'list'],
  ['Which content encodings can responses be decoded from?', 'list'],
  ['What does Context.Abort do, and does it stop the current handler?', 'plain'],
  ['What happens when a request matches no route?', 'plain'],
  ['How does fd decide whether a search is case-sensitive?', 'plain'],
])('%s asks for the form %s', (question, form) => {
  expect(answerForm(question)).toBe(form);
});

test('a follow-up repeats the latest turns, shortened, before the question', () => {
  const turns = ['a', 'b', 'c'].map((question) => ({ question, answer: `${question} `.repeat(600) }));
  const task = taskOf('And why?', turns).text;
  expect(task).not.toContain('Earlier question: a');
  expect(task.indexOf('Earlier question: b')).toBeLessThan(task.indexOf('Earlier question: c'));
  expect(task.indexOf('Earlier question: c')).toBeLessThan(task.indexOf('Question: And why?'));
  expect(task.length).toBeLessThan(1_200);
});
