/** Sentence encoders: texts to vectors that can be compared. */
export { compileEncoder, ENCODER_FILE } from './compile-encoder';
export { SentenceEncoder, type EncodeTextsOptions } from './sentence-encoder';
export { VectorTable } from './vector-table';
