import { expect, test } from 'vitest';
import { ask } from '../../src/assistant/ask';
import { tellingFirst } from '../../src/assistant/uses';
import { MemoryLibrary, toolsOver } from './memory-library';

const FILES = {
  'CHANGES.md': '# Changes\n\n- deliver_mail takes a priority, which deliver_mail( passes on\n',
  'src/mail.py':
    'def deliver_mail(letter):\n    """Delivers a letter."""\n    return letter\n\n\n# deliver_mail() is slow\nHANDLERS = [deliver_mail]\n',
  'src/office.py':
    'from .mail import deliver_mail\n\n\ndef close_office(letters):\n    for letter in letters:\n        deliver_mail(letter)\n',
  'tests/test_mail.py': 'from src.mail import deliver_mail\n\n\ndef test_mail():\n    assert deliver_mail(1) == 1\n',
};

test('calls come before other code and imports, tests last within their kind; comments and prose use nothing', async () => {
  const library = new MemoryLibrary(FILES);
  const { users } = await library.users('deliver_mail', { limit: 50 });
  const told = await tellingFirst(users, 'deliver_mail', library, await library.definitions('deliver_mail'));
  expect(told.every(({ isCertain }) => isCertain)).toBe(true);
  expect(told.map(({ kind, use }) => `${kind} ${use.span.path}`)).toEqual([
    'call src/office.py',
    'call tests/test_mail.py',
    'code src/mail.py',
    'import src/office.py',
    'import tests/test_mail.py',
  ]);
});

test('a question for callers lists only calls, and counts the other places', async () => {
  const { markdown } = await ask(
    { id: 'q', question: 'Which functions call deliver_mail?', scope: { kind: 'workspace' } },
    toolsOver(FILES),
  );
  expect(markdown).toContain(
    '`deliver_mail` is used in 5 places outside its definition, including 2 calls:\n\n- `src/office.py`: `deliver_mail(letter)` [1]',
  );
  expect(markdown).not.toContain('CHANGES.md');
});

test('a question for users lists every use, calls first', async () => {
  const { markdown } = await ask(
    { id: 'q', question: 'Where is deliver_mail used?', scope: { kind: 'workspace' } },
    toolsOver(FILES),
  );
  expect(markdown).toContain('`deliver_mail` is used in 5 places outside its definition:\n\n- `src/office.py`');
  expect(markdown).not.toContain('CHANGES.md');
});

test('a Ruby call needs no brackets, but symbols, variables and comments are not calls', async () => {
  const library = new MemoryLibrary({
    'reactor.rb': 'class Reactor\n  def wakeup!\n    @io\n  end\nend\n',
    'cluster.rb': 'def stop\n  wakeup!\n  @reactor.wakeup! if up\n  send(:wakeup!)\n  # wakeup! is cheap\nend\n',
  });
  const users = [2, 3, 4, 5].map((line) => ({
    span: { file: '/w/cluster.rb', path: 'cluster.rb', startLine: line, endLine: line },
    label: '',
  }));
  expect(
    (await tellingFirst(users, 'wakeup!', library, [])).map(({ kind, use }) => `${kind} ${use.span.startLine}`),
  ).toEqual(['call 2', 'call 3', 'code 4']);
});
