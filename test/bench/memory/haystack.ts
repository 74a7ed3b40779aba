/**
 * Needles in a workspace, described by their generators: passkeys, one key among similar ones, several keys at once.
 */
import type { Document } from '../../../src/workspace/types';
import { copiesOf } from './copies';
import { generator } from './statistics';

/** Characters per token of the bundled tokenizer on code. */
const CHARACTERS_PER_TOKEN = 3.3;
const LONGEST_FILE = 8_000;
const LOOK_ALIKES = 8;

export interface Needle {
  path: string;
  line: string;
  key: string;
  value: string;
}

/** A question for one needle or for several. */
export interface Asked {
  kind: 'passkey' | 'multi-key' | 'four needles';
  question: string;
  needles: readonly Needle[];
}

export function haystack(
  texts: readonly { path: string; text: string }[],
  tokens: number,
  each: number,
): { documents: Document[]; asked: Asked[] } {
  const random = generator(tokens);
  const files = copiesOf(texts, tokens * CHARACTERS_PER_TOKEN, LONGEST_FILE);
  const hide = (line: string): string => {
    const file = files[Math.floor(random() * files.length)] as { path: string; text: string };
    const at = file.text.indexOf('\n', Math.floor(random() * file.text.length)) + 1;
    file.text = `${file.text.slice(0, at)}${line}\n${file.text.slice(at)}`;
    return file.path;
  };
  const number = (): string => String(10_000 + Math.floor(random() * 90_000));
  const assigned = (): Needle => {
    const [key, value] = [`${name(random)}_${name(random)}`, number()];
    const line = `const ${key} = ${value};`;
    const needle = { path: hide(line), line, key, value };
    // Each similar key shares one half of the key.
    for (let other = 0; other < LOOK_ALIKES; other++)
      hide(
        `const ${other % 2 === 0 ? `${key.split('_')[0]}_${name(random)}` : `${name(random)}_${key.split('_')[1]}`} = ${number()};`,
      );
    return needle;
  };
  const asked: Asked[] = [];
  for (let i = 0; i < each; i++) {
    const [place, value] = [name(random), number()];
    const line = `// The pass key of ${place} is ${value}. Remember it.`;
    asked.push({
      kind: 'passkey',
      question: `What is the pass key of ${place}?`,
      needles: [{ path: hide(line), line, key: place, value }],
    });
    const one = assigned();
    asked.push({ kind: 'multi-key', question: `What is the value of \`${one.key}\`?`, needles: [one] });
    if (i % 4 !== 0) continue;
    const four = [assigned(), assigned(), assigned(), assigned()];
    asked.push({
      kind: 'four needles',
      question: `What are the values of ${four.map(({ key }) => `\`${key}\``).join(', ')}?`,
      needles: four,
    });
  }
  return {
    documents: files.map(({ path, text }, i) => ({
      file: `/${path}`,
      path,
      language: 'typescript',
      text,
      hash: String(i),
    })),
    asked,
  };
}

const SYLLABLES = ['ba', 'ko', 'mi', 'ru', 'te', 'lo', 'sa', 'ni', 'du', 'fe', 'gi', 'pa'];

function name(random: () => number): string {
  return Array.from({ length: 3 }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]).join('');
}
