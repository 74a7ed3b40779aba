import { AppError, formatNumber } from '../../base';
import { fence, placeText, spanData } from '../results';
import { FIRST_LINE, LAST_LINE, object, PATH, text, wholeNumber } from '../schemas';
import { defineTool } from '../tool';

export const MOST_LINES = 400;

export const readSpan = defineTool<{ path: string; startLine: number; endLine: number }, object>({
  name: 'read_span',
  title: 'Read lines of a file',
  description:
    `Shows lines of a file by its path and line numbers, at most ${MOST_LINES}, also of the text of a PDF, ` +
    'Word document, book or notebook.',
  input: object({ path: PATH, startLine: FIRST_LINE, endLine: LAST_LINE }),
  output: object(
    {
      path: text('Path relative to the workspace.'),
      startLine: FIRST_LINE,
      endLine: LAST_LINE,
      uri: text('Resource with these lines.'),
      text: text('The lines.'),
      language: text('Language id.'),
      lines: wholeNumber('Lines of the whole text.', 0),
    },
    { place: text('Page, section or notebook cell.') },
  ),
  async run({ path, startLine, endLine }, { ask, gate }) {
    const { file } = await gate.admit(path);
    const read = await ask('document/lines', { file, startLine, endLine, limit: MOST_LINES });
    if (read.endLine < read.startLine)
      throw new AppError(
        'usage',
        `${path} has ${formatNumber(read.lines)} lines; ${startLine} to ${endLine} are not among them.`,
      );
    const { text: content, language, lines } = read;
    return {
      text: `${placeText(read)} of ${formatNumber(lines)} lines\n${fence(content, language)}`,
      data: { ...spanData(read), text: content, language, lines },
    };
  },
});
