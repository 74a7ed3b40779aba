import type { Citation } from '../src/protocol';

/** A citation of lines, whose text does not matter. */
export const citation = (number: number, path: string, startLine: number, endLine: number): Citation => ({
  number,
  file: `/w/${path}`,
  path,
  startLine,
  endLine,
  text: '',
  hash: '',
  label: '',
});
