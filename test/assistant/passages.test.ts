import { describe, expect, test } from 'vitest';
import { ask } from '../../src/assistant/ask';
import { MemoryLibrary } from './memory-library';

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
  return (await ask({ id: 'q', question, scope: { kind: 'workspace' } }, { library: new MemoryLibrary(files) })).markdown;
}

describe('places', () => {
  test('a matching type brings the methods that do what is asked, and a field does not lead', async () => {
    const markdown = await markdownOf('How do letters in the queue expire?', { 'queue.go': QUEUE });
    expect(markdown.split('\n')[0]).not.toContain('Queue.Letters');
    expect(markdown).toContain('**`Queue.Expire`** is a method of `Queue`');
    expect(markdown).not.toContain('Queue.Len');
  });

  test('of a comment the sentence that answers is said beside the first', async () => {
    const text = '# Copies the context.\n# It is cheap. It must be called before the context goes to another goroutine.\ndef duplicate(context)\n  context.dup\nend\n';
    const markdown = await markdownOf('When must the context be copied for a goroutine?', { 'context.rb': text });
    expect(markdown).toContain('“Copies the context. It is cheap.” … “It must be called before the context goes to another goroutine.” [1]');
  });

  test('a few lines that say what is asked come before a long function that says each word somewhere', async () => {
    const filler = (word: string) => `${Array.from({ length: 14 }, (_, i) => `    step(${i})\n`).join('')}    # ${word}\n`;
    const long = `def everything():\n${['letter', 'expire', 'limit', 'office'].map(filler).join('')}`;
    const short = 'def sweep(box):\n    # Each letter expires beyond the limit of the office.\n    box.clear()\n';
    expect((await markdownOf('How does a letter expire at the limit of the office?', { 'a.py': long, 'b.py': short })).split('\n')[0]).toContain('`sweep` in `b.py`');
  });

  test('a field that is named, or whose value is asked, leads', async () => {
    expect((await markdownOf('What is in Letters of the queue?', { 'queue.go': QUEUE })).split('\n')[0]).toContain('`Queue.Letters`');
  });

  test('calls that say no word of the question are left out, unless the question names who makes them', async () => {
    expect(await markdownOf('How do letters in the queue expire?', { 'queue.go': QUEUE })).not.toContain('`notify`');
    expect(await markdownOf('What does `Expire` do?', { 'queue.go': QUEUE })).toContain('`notify`');
  });
});
