import { CheckpointError } from '../../checkpoint/errors';
import { addedTokens, beginAndEnd, TOKEN_TYPE, vocabOf, type Vocabulary } from './vocabulary';

/** The mark that SentencePiece writes for a space. */
const SPACE = '\u2581';

/**
 * SentencePiece with scores (Llama 2, Mistral, Phi-3): the pair of neighbours whose joint piece has the highest score
 * is joined first (llama.cpp, llm_tokenizer_spm). That is BPE with merges in the order of scores.
 */
export function sentencePieceJson(vocabulary: Vocabulary): Record<string, unknown> {
  const { metadata, path, tokens } = vocabulary;
  const scores = metadata.get('tokenizer.ggml.scores');
  if (typeof scores !== 'object' || scores.length !== tokens.length || typeof scores[0] !== 'number')
    throw new CheckpointError(
      scores === undefined ? 'missing' : 'mismatch',
      path,
      'tokenizer.ggml.scores',
      `must be ${tokens.length} numbers, one for each token`,
    );
  const prefix = metadata.get('tokenizer.ggml.add_space_prefix') ?? true;
  const unknown = metadata.get('tokenizer.ggml.unknown_token_id');
  return {
    added_tokens: addedTokens(vocabulary),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(prefix === true ? [{ type: 'Prepend', prepend: SPACE }] : []),
        { type: 'Replace', pattern: { String: ' ' }, content: SPACE },
      ],
    },
    pre_tokenizer: null,
    post_processor: beginAndEnd(vocabulary, true),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix === true ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      vocab: vocabOf(vocabulary),
      merges: mergesByScore(vocabulary, scores as ArrayLike<number>),
      byte_fallback: true,
      fuse_unk: true,
      ...(typeof unknown === 'number' && tokens[unknown] !== undefined ? { unk_token: tokens[unknown] } : {}),
    },
  };
}

/** Each way to cut a piece into two pieces, best scores first; pieces of one score in the order of their ids. */
function mergesByScore({ tokens, types }: Vocabulary, scores: ArrayLike<number>): [string, string][] {
  const ids = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (types[id] === TOKEN_TYPE.normal) ids.set(token, id);
  });
  const merges: [string, string][] = [];
  const best = Uint32Array.from(ids.values()).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  for (const id of best) {
    const token = tokens[id] as string;
    for (let cut = 1; cut < token.length; cut++) {
      const left = token.slice(0, cut);
      // Half a character is in no vocabulary. Most beginnings are not, so that few ends are looked up.
      if (!ids.has(left)) continue;
      const right = token.slice(cut);
      if (ids.has(right)) merges.push([left, right]);
    }
  }
  return merges;
}
