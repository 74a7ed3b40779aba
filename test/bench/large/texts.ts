/** Generated texts that look like source and prose: names and words repeat as they do in real ones. */
import { generator } from '../../../src/engine/generate/sampling';

export type Random = () => number;
export const randomOf = (seed: number): Random => generator(seed);

const SYLLABLES = 'ba co da fe gi ho ju ka le mi no pa que ra si to va we xi yo zu tra plo ster men tion'.split(' ');
const WORDS = 30_000;

/** A word of the vocabulary, frequent ones more often. */
function word(random: Random): string {
  let n = Math.floor(WORDS ** random());
  let text = '';
  do {
    text += SYLLABLES[n % SYLLABLES.length];
    n = Math.floor(n / SYLLABLES.length);
  } while (n > 0);
  return text;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const words = (random: Random, count: number): string => Array.from({ length: count }, () => word(random)).join(' ');
const name = (random: Random): string => `${word(random)}${capital(word(random))}`;

function paragraph(random: Random): string {
  const sentences = Array.from({ length: 4 }, () => `${capital(words(random, 12))}.`);
  return `${sentences.join(' ')}\n\n`;
}

const FORMS: Readonly<Record<string, (random: Random) => string>> = {
  ts: (random) =>
    `/** ${capital(words(random, 8))}. */\nexport function ${name(random)}(${word(random)}: number): number {\n` +
    `  const ${name(random)} = ${word(random)}(${word(random)} + 1);\n  if (${word(random)} > 3) return ${name(random)}();\n` +
    `  return ${name(random)}.${word(random)}(${word(random)});\n}\n\n`,
  py: (random) =>
    `def ${word(random)}_${word(random)}(${word(random)}, ${word(random)}=None):\n    """${capital(words(random, 9))}."""\n` +
    `    for ${word(random)} in ${word(random)}.${word(random)}():\n        self.${word(random)} = ${name(random)}(${word(random)})\n` +
    `    return ${word(random)}\n\n\n`,
  java: (random) =>
    `  /** ${capital(words(random, 8))}. */\n  public int ${name(random)}(int ${word(random)}) {\n` +
    `    ${capital(name(random))} ${word(random)} = new ${capital(name(random))}(${word(random)});\n    return ${word(random)}.${name(random)}();\n  }\n\n`,
  md: (random) => `## ${capital(words(random, 3))}\n\n${paragraph(random)}${paragraph(random)}`,
  json: (random) =>
    `  "${name(random)}": { "${word(random)}": ${Math.floor(random() * 1e6)}, "${word(random)}": "${words(random, 3)}" },\n`,
};
export const EXTENSIONS = Object.keys(FORMS);

/** A text of about `bytes` bytes in the form of an extension. */
export function textOf(extension: string, bytes: number, random: Random): string {
  const piece = FORMS[extension] as (random: Random) => string;
  let text = '';
  while (text.length < bytes) text += piece(random);
  if (extension === 'java') return `public class ${capital(name(random))} {\n${text}}\n`;
  return extension === 'json' ? `{\n${text}  "end": 0\n}\n` : text;
}
