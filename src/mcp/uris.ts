/** URIs of the server's resources: `anchorage://document/PATH` and `anchorage://span/FIRST-LAST/PATH`. */

export const DOCUMENT_TEMPLATE = 'anchorage://document/{+path}';
export const SPAN_TEMPLATE = 'anchorage://span/{lines}/{+path}';

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

export const documentUri = (path: string): string => `anchorage://document/${encoded(path)}`;

export const spanUri = ({ path, startLine, endLine }: { path: string; startLine: number; endLine: number }): string =>
  `anchorage://span/${startLine}-${endLine}/${encoded(path)}`;

/** The path in a URI's variable; undefined for a malformed escape. */
export function pathIn(variable: string | string[] | undefined): string | undefined {
  const value = Array.isArray(variable) ? variable.join('/') : variable;
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

export function linesIn(variable: string | string[] | undefined): { startLine: number; endLine: number } | undefined {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(String(variable)) ?? [];
  return first === undefined || last === undefined ? undefined : { startLine: Number(first), endLine: Number(last) };
}
