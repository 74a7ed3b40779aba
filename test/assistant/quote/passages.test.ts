import { describe, expect, test } from 'vitest';
import { ask } from '../../../src/assistant/ask';
import { toolsOver } from '../memory-library';

const QUEUE = `package queue

// Queue keeps letters in order of priority until they expire.
type Queue struct {
	// Letters in order of priority; expired letters stay until they are dropped from the queue.
	Letters []Letter
}

// Expire drops what is older than the limit.
func (q *Queue) Expire(limit int) {
	for q.Letters[0].age > limit {
		q.Letters = q.Letters[1:]
	}
	notify(q)
}

// Len counts.
func (q *Queue) Len() int {
	return len(q.Letters)
}

func notify(q *Queue) {
	println("bell")
}
`;

async function markdownOf(question: string, files: Record<string, string>): Promise<string> {
  return (await ask({ id: 'q', question, scope: { kind: 'workspace' } }, toolsOver(files))).markdown;
}

describe('passages of an answer', () => {
  test('a matching type adds the methods that do the asked work, and no field comes first', async () => {
    const markdown = await markdownOf('How do letters in the queue expire?', { 'queue.go': QUEUE });
    expect(markdown.split('\n')[0]).not.toContain('Queue.Letters');
    expect(markdown).toContain('**`Queue.Expire`** is a method of `Queue`');
    expect(markdown).not.toContain('Queue.Len');
  });

  test('the best matching sentence of a comment follows its first sentence', async () => {
    const text =
      '# Copies the context.\n# It is cheap. It must be called before the context goes to another goroutine.\ndef duplicate(context)\n  context.dup\nend\n';
    const markdown = await markdownOf('When must the context be copied for a goroutine?', { 'context.rb': text });
    expect(markdown).toContain(
      '“Copies the context. It is cheap.” … “It must be called before the context goes to another goroutine.” [1]',
    );
  });

  test('a few lines with all the words come before a long function with the words far apart', async () => {
    const filler = (word: string) =>
      `${Array.from({ length: 14 }, (_, i) => `    step(${i})\n`).join('')}    # ${word}\n`;
    const long = `def everything():\n${['letter', 'expire', 'limit', 'office'].map(filler).join('')}`;
    const short = 'def sweep(box):\n    # Each letter expires beyond the limit of the office.\n    box.clear()\n';
    expect(
      (await markdownOf('How does a letter expire at the limit of the office?', { 'a.py': long, 'b.py': short })).split(
        '\n',
      )[0],
    ).toContain('`sweep` in `b.py`');
  });

  const SOURCE =
    '#include "pick.h"\n\nint Picker::PickFiles(int level) {\n  int files = Score(level);\n  return files + Overlap(level);\n}\n';
  const HEADER =
    'class Picker {\n public:\n  // Picks the files of a level to merge.\n  int PickFiles(int level);\n};\n';

  test('the definition is shown, and its declaration in a header is not', async () => {
    const markdown = await markdownOf('How does the picker pick the files of a level?', {
      'pick.h': HEADER,
      'pick.cc': SOURCE,
    });
    expect(markdown.split('\n')[0]).toContain('`Picker.PickFiles` in `pick.cc`');
    expect(markdown).not.toContain('pick.h:4');
  });

  test('types and defaulted constructors come after the code that does the work', async () => {
    const types = 'export type RouteHandler = (\n  request: Request,\n  route: Route,\n) => void;\n';
    const code =
      'export function findHandler(request) {\n  // The handler of the route of a request.\n  return routes.get(request.path);\n}\n';
    expect(
      (
        await markdownOf('How is the route handler for a request found?', { 'route.d.ts': types, 'route.ts': code })
      ).split('\n')[0],
    ).toContain('`findHandler`');
    const files = {
      'order.cc':
        'class ByteOrder {\n public:\n  ByteOrder() = default;\n  int Compare(int a, int b) {\n    // The default order of keys.\n    return a - b;\n  }\n};\n',
    };
    expect((await markdownOf('Which order of keys is used by default?', files)).split('\n')[0]).not.toContain(
      'ByteOrder.ByteOrder',
    );
  });

  test('lines of a namespace outside definitions are shown as lines, and the citation has the quoted lines', async () => {
    const filler = Array.from({ length: 24 }, (_, i) => `// Filler ${i}.\n`).join('');
    const markdown = await markdownOf('Where are letters lost in a storm?', {
      'storm.h': `namespace post {\n${filler}// Letters are lost in a storm.\n${filler}}\n`,
    });
    expect(markdown).not.toContain('is a namespace');
    const cited = /lines? (\d+)\D?\d*: \[1\]/.exec(markdown)?.[1];
    expect(Number(cited)).toBeGreaterThan(20);
  });

  test('a call on another object is not a call of an inner function of that name', async () => {
    const text =
      'function build() {\n  function findRoute() {\n    return 1;\n  }\n  return { findRoute };\n}\n\nfunction addRoute(router) {\n  // Adds a route to the router unless it has one.\n  return router.findRoute();\n}\n';
    expect(await markdownOf('What does `addRoute` do?', { 'route.ts': text })).not.toContain('calls:');
  });

  test('benchmarks and examples come after the code they use', async () => {
    const text = 'def sweep(box):\n    # Each letter expires at the limit of the office.\n    box.clear()\n';
    expect(
      (await markdownOf('How does a letter expire at the limit?', { 'benchmarks/a.py': text, 'z.py': text })).split(
        '\n',
      )[0],
    ).toContain('`sweep` in `z.py`');
  });

  test('a question with few matches gets one line, and a long one with several matches is answered', async () => {
    const files = { 'a.py': 'def sweep(box):\n    # Letters leave the office.\n    box.clear()\n' };
    const refused = await markdownOf('Who repairs, paints, moves and sells the office?', files);
    expect(refused).toMatch(/^No good match\. Closest: [^\n]* \[1\]\.$/);
    expect(await markdownOf('Who sweeps the office?', files)).toMatch(/^Best match: /);
    const long =
      'Which architecture, contract, boundary, guarantee, invariant, protocol or convention decides when letters leave the office?';
    expect((await markdownOf(long, files)).split('\n')[0]).toContain('Best match: ');
  });

  test('a field comes first if the question names it or asks for its value', async () => {
    expect((await markdownOf('What is in Letters of the queue?', { 'queue.go': QUEUE })).split('\n')[0]).toContain(
      '`Queue.Letters`',
    );
  });

  test('calls without a word of the question are listed only if the question names the caller', async () => {
    expect(await markdownOf('How do letters in the queue expire?', { 'queue.go': QUEUE })).not.toContain('`notify`');
    expect(await markdownOf('What does `Expire` do?', { 'queue.go': QUEUE })).toContain('`notify`');
  });

  test('lines that only close an earlier block are not quoted', async () => {
    const text = `class Runner\n  def stop\n${'    step\n'.repeat(120)}  end\nend\n\n# The postman rings at every door.\n`;
    const told = await markdownOf('Who rings at every door?', { 'runner.rb': text });
    expect(told).toContain('```ruby\n# The postman rings at every door.');
  });
});

test('a list is quoted with the prose that introduces it', async () => {
  const rules = [
    '# Throttling',
    '',
    'Delays are adjusted by the following rules:',
    '',
    '- a spider starts with the delay of a second',
    '- an error never makes it shorter',
    '',
    'Something else stands here. '.repeat(10),
    '',
  ].join('\n');
  const markdown = await markdownOf('By which rules are delays adjusted?', { 'docs/throttling.md': rules });
  expect(markdown).toContain('> - an error never makes it shorter');
  expect(markdown.split('\n\n**')[0]).not.toContain('Something else');
});

test('under a heading that names the asked setting, the paragraph that says more about it is quoted', async () => {
  const settings = [
    '# Settings',
    '',
    '## worker_prefetch_multiplier',
    '',
    'Default: 4.',
    '',
    'How many messages are fetched ahead for each process. The default is 4, which is a good choice.',
    '',
    'To have one message at a time, set worker_prefetch_multiplier to 1.',
    '',
  ].join('\n');
  const markdown = await markdownOf('What is the default value of `worker_prefetch_multiplier`?', {
    'docs/settings.md': settings,
  });
  expect(markdown).toContain('The default is 4');
});
