import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { AppError } from '../../base';
import type { Scope } from '../../protocol';
import type { Gate } from '../gate';
import { citationData, coverageData, coverageText, fence, placeText } from '../results';
import { CITATION, COVERAGE, list, object, text } from '../schemas';
import { defineTool, notBlank } from '../tool';

export const ask = defineTool<{ question: string; in?: string }, object>({
  name: 'ask',
  title: 'Ask about the workspace',
  description:
    'Answers a question about the code base in words, with checked citations: path, lines and the quoted text, or ' +
    'the commit. Examples: How are messages queued? What happens when the disk is full? Why was the parser ' +
    'replaced? When did the licence change? Is there a lock on the file? Give the whole question.',
  input: object({ question: text('The question, in plain words.') }, { in: text('Only this file or folder.') }),
  output: object({
    answer: text('Markdown with citations as [1], [2].'),
    author: text('Who wrote the answer: a model, or the sources themselves.'),
    citations: list(CITATION),
    notices: list(text('A remark about the answer.')),
    coverage: COVERAGE,
  }),
  searches: true,
  async run({ question, in: within }, { ask: request, gate, progress }) {
    const scope = await scopeOf(within, gate);
    const phases = {
      loading: 'Loading the model',
      retrieving: 'Searching',
      reading: 'Reading',
      writing: 'Writing',
    } as const;
    let step = 0;
    const answer = await request(
      'ask',
      { id: randomUUID(), question: notBlank('question', question), scope },
      {
        event: (event) => {
          if (event.type === 'phase') progress((step += 0.25), phases[event.phase]);
        },
      },
    );
    // An answer rests on its citations: one whose file may not be returned takes the answer with it.
    const files = answer.citations.filter(({ commit }) => commit === undefined);
    const passing = await gate.passing(files);
    const citations = answer.citations;
    if (passing.length < files.length)
      throw new AppError('notIndexed', 'A file that the answer rests on was just excluded.', 'Ask again.');
    const { author } = answer;
    return {
      text: [
        ...coverageText(answer.coverage),
        answer.markdown,
        ...citations.map((each) => `[${each.number}] ${placeText(each)} ${each.label}\n${fence(each.text, '')}`),
        ...answer.notices,
      ].join('\n\n'),
      data: {
        answer: answer.markdown,
        author: author.kind === 'extractive' ? 'quoted from the sources' : author.model,
        citations: citations.map(citationData),
        notices: [...answer.notices],
        coverage: coverageData(answer.coverage),
      },
    };
  },
});

async function scopeOf(within: string | undefined, gate: Gate): Promise<Scope> {
  if (within === undefined) return { kind: 'workspace' };
  const info = await stat(gate.fileOf(within)).catch(() => undefined);
  if (info?.isDirectory()) return { kind: 'folder', path: await gate.folder(within) };
  return { kind: 'file', file: (await gate.admit(within)).file };
}
