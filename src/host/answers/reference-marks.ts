/** Files and folders that a question names as `#src/app.py` or `#"with space.md"`. */

const REFERENCE = /(?<!\S)#(?:"([^"\n]+)"|([^\s#"]+?))(?=[.,;:?!]*(?:\s|$))/g;

/** The references of a question, as written. */
export function referencesIn(question: string): string[] {
  return [...question.matchAll(REFERENCE)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** A reference as a question writes it. */
export const referenceTo = (path: string): string => (/[\s"#]/.test(path) ? `#"${path}"` : `#${path}`);

/** The question with the marks of the known references removed. `#12` or `#include` names no file and stays. */
export function plainQuestion(question: string, isKnown: (name: string) => boolean): string {
  return question.replace(REFERENCE, (whole, quoted?: string, plain?: string) => {
    const name = quoted ?? plain ?? '';
    return isKnown(name) ? name : whole;
  });
}
