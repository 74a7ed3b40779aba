export { dequantizeOf } from './dequantize';
export { GgufFile } from './file';
export { ggufFormat } from './format';
export { parseGgufHeader } from './header';
export { preTokenizer } from './pre-tokenizers';
export { blocksFrom } from './stored-blocks';
