/**
 * How text is cut before its pieces are merged, by the name in `tokenizer.ggml.pre` (llama.cpp, llama-vocab.cpp). Each
 * expression cuts the pieces that the one before it left; matches and the text between them are pieces of their own.
 */

/** White space as llama.cpp has it. JavaScript's `\s` has U+FEFF besides and lacks U+0085. */
const SPACE = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const S = `[${SPACE}]`;
const NOT_S = `[^${SPACE}]`;

const GPT2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${SPACE}\\p{L}\\p{N}]+|${S}+(?!${NOT_S})`;
const CONTRACTIONS = "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]";
/** GPT-4's form: a mark before a word belongs to it, line ends to the marks before them. */
const words = (digits: string): string =>
  `(?:${CONTRACTIONS})|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^${SPACE}\\p{L}\\p{N}]+[\\r\\n]*|` +
  `${S}*[\\r\\n]+|${S}+(?!${NOT_S})|${S}+`;

export interface PreTokenizer {
  readonly expressions: readonly string[];
  /** A piece that is a token as it stands is not merged. */
  readonly ignoreMerges?: boolean;
  /** The begin token is added where the file does not say. */
  readonly addsBegin?: boolean;
}

const gpt2: PreTokenizer = { expressions: [GPT2] };
const singleDigits: PreTokenizer = { expressions: ['\\p{N}', GPT2] };
const qwen2: PreTokenizer = { expressions: [words('\\p{N}')] };
const llama3: PreTokenizer = { expressions: [words('\\p{N}{1,3}')], ignoreMerges: true, addsBegin: true };
const dbrx: PreTokenizer = { expressions: [words('\\p{N}{1,3}')] };

const PRE_TOKENIZERS: Readonly<Record<string, PreTokenizer>> = {
  default: { expressions: ['[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2, '\\p{N}+', '[0-9][0-9][0-9]'] },
  'gpt-2': gpt2,
  'phi-2': gpt2,
  mpt: gpt2,
  olmo: gpt2,
  smollm: singleDigits,
  starcoder: singleDigits,
  refact: singleDigits,
  'command-r': singleDigits,
  codeshell: singleDigits,
  qwen2,
  'deepseek-r1-qwen': qwen2,
  stablelm2: qwen2,
  'llama-bpe': llama3,
  llama3,
  'llama-v3': llama3,
  falcon3: llama3,
  dbrx,
  'smaug-bpe': dbrx,
};

export function preTokenizer(name: string): PreTokenizer | undefined {
  return Object.hasOwn(PRE_TOKENIZERS, name) ? PRE_TOKENIZERS[name] : undefined;
}

/** All names, for messages. */
export function preTokenizerNames(): string {
  return Object.keys(PRE_TOKENIZERS).join(', ');
}
