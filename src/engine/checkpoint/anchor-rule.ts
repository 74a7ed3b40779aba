import { fileInside, exists } from './files';
import { Fields, readJson } from './json';
import type { Tokenizer } from '../tokenizer/tokenizer';

const CONFIG = 'config.json';
const MAX_BYTES = 1 << 20;
const ANCHOR = '<|anchor|>';

/** Where a checkpoint was trained to find anchors (AnLLM, 2402.07616): `anchorage.anchor_rule` in its config.json. */
export interface AnchorRule {
  /** The anchor's token. */
  token: number;
  /** Tokens of a segment: it closes at the first end of a line after `min`, and at `max` at the latest. */
  min: number;
  max: number;
}

/** The rule of a checkpoint; undefined where it has none. @throws CheckpointError naming the field */
export async function readAnchorRule(
  directory: string,
  tokenizer: Pick<Tokenizer, 'idOf'>,
): Promise<AnchorRule | undefined> {
  if (!(await exists(directory, CONFIG))) return undefined;
  const path = await fileInside(directory, CONFIG);
  const fields = new Fields(await readJson(path, MAX_BYTES), path);
  const rule = fields.optionalObject('anchorage')?.optionalObject('anchor_rule');
  if (!rule) return undefined;
  const token = tokenizer.idOf(ANCHOR);
  if (token === undefined) throw rule.error('missing', 'anchor_rule', `the vocabulary has no token ${ANCHOR}`);
  const min = rule.integer('min', 1, 1 << 20);
  return { token, min, max: rule.integer('max', min, 1 << 20) };
}

/**
 * The tokens with anchors put in by the rule. The rest after the last anchor is an open segment.
 *
 * @param endsLine whether a token's text holds a line break
 */
export function withAnchors(
  tokens: readonly number[],
  { token, min, max }: AnchorRule,
  endsLine: (token: number) => boolean,
): number[] {
  const found: number[] = [];
  let segment = 0;
  tokens.forEach((each, i) => {
    found.push(each);
    segment++;
    const closes = segment >= max || (segment >= min && endsLine(each));
    if (!closes || i === tokens.length - 1) return;
    found.push(token);
    segment = 0;
  });
  return found;
}

/** The tokens of a vocabulary whose text holds a line break. */
export function lineEnds(tokenizer: Pick<Tokenizer, 'pieceOf'>, vocabSize: number): (token: number) => boolean {
  const ends = new Set<number>();
  for (let id = 0; id < vocabSize; id++) if (/[Ċ\n]|^<0x0A>$/.test(tokenizer.pieceOf(id) ?? '')) ends.add(id);
  return (token) => ends.has(token);
}
