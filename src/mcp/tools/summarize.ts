import { randomUUID } from 'node:crypto';
import type { SummaryPart } from '../../protocol';
import { list, object, PATH, text, wholeNumber } from '../schemas';
import { defineTool } from '../tool';

const PART = object({
  title: text('Definition or heading.'),
  kind: text('function, class, heading …'),
  startLine: wholeNumber('First line.', 1),
  endLine: wholeNumber('Last line.', 1),
  line: text('One line that describes it.'),
  depth: wholeNumber('0 for the outermost parts.', 0),
});

/** Parts of the text for the model. The data has all of them. */
const MOST_PARTS = 200;

export const summarize = defineTool<{ path: string }, object>({
  name: 'summarize',
  title: 'Outline a file',
  description:
    'Outlines one file by its path: its classes, functions, sections or chapters with their lines. Use it to see ' +
    'the structure of a file or document before you read parts of it.',
  input: object({ path: PATH }),
  output: object({
    path: text('Path relative to the workspace.'),
    language: text('Language id.'),
    lines: wholeNumber('Lines of the file.', 0),
    overview: text('A short paragraph about the whole file.'),
    parts: list(PART),
  }),
  async run({ path }, { ask, gate, progress }) {
    const { file } = await gate.admit(path);
    const summary = await ask('summarize', { id: randomUUID(), file }, { progress });
    const parts = flat(summary.parts);
    const outline = parts.slice(0, MOST_PARTS).map(({ depth, title, kind, startLine, endLine, line }) => {
      const what = line === '' ? '' : `: ${line}`;
      return `${'  '.repeat(depth)}- ${title} (${kind}, ${startLine}-${endLine})${what}`;
    });
    if (parts.length > MOST_PARTS) outline.push(`… and ${parts.length - MOST_PARTS} more parts.`);
    return {
      text: [`${summary.path}, ${summary.lines} lines`, summary.overview, outline.join('\n')].join('\n\n'),
      data: {
        path: summary.path,
        language: summary.language,
        lines: summary.lines,
        overview: summary.overview,
        parts,
      },
    };
  },
});

interface FlatPart {
  title: string;
  kind: string;
  startLine: number;
  endLine: number;
  line: string;
  depth: number;
}

function flat(parts: readonly SummaryPart[], depth = 0): FlatPart[] {
  return parts.flatMap(({ title, kind, startLine, endLine, line, children }) => [
    { title, kind, startLine, endLine, line, depth },
    ...flat(children, depth + 1),
  ]);
}
