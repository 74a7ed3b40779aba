/** Records with the sizes of real ones and made-up numbers: the time of a search does not depend on what they say. */
import { join } from 'node:path';
import { EngineModel } from '../../../src/inference/engine-model';
import { passagesOf } from '../../../src/inference/passage-encoder';
import { MemoryEncoding, MemoryReader, MemoryStore, memoryVersion, type SegmentCoder } from '../../../src/memory';
import type { MemoryDescription, SegmentMemory } from '../../../src/protocol/memory';
import type { SearchMemory, SentenceEncoding } from '../../../src/search';
import type { Workspace } from '../../../src/workspace/workspace';
import { bundledCheckpoint } from '../../../src/app/models';
import { generator } from '../../../src/engine/generate/sampling';

/** Characters per token of the bundled tokenizer, in source code. */
const CHARACTERS_PER_TOKEN = 3.1;

interface Filled {
  memory: SearchMemory;
  /** The sentence encoder, which reads passages of prose while a question waits. */
  sentences: SentenceEncoding;
  tokens: number;
  passages: number;
  close: () => Promise<void>;
}

/** Fills a store for a workspace, beside the bundled model and the sentence encoder, which embed questions. */
export async function filledMemory(library: Workspace, storage: string): Promise<Filled> {
  const directory = await bundledCheckpoint(join(process.cwd(), 'models'));
  if (directory === undefined) throw new Error('There is no bundled model in models/.');
  const model = await EngineModel.load({
    directory,
    compiledDirectory: join(storage, 'compiled'),
    encoderDirectory: join(process.cwd(), 'dist', 'models', 'all-minilm-l6-v2'),
    weights: 'auto',
    threads: 1,
  });
  const { memory: own } = model;
  if (!own || own.description.sentenceWidth === 0)
    throw new Error('The sentence encoder is missing. Run npm run build.');
  const { description } = own;
  const coder = new MadeUpCoder(description);
  const store = await MemoryStore.open({
    directory: join(storage, 'made-up'),
    budgetBytes: 1e10,
    version: coder.version,
  });
  const encoding = new MemoryEncoding({ workspace: library, store, coder, warn: (message) => console.log(message) });
  await encoding.run();
  const memories = new MemoryReader({
    encoding,
    store,
    ratios: description.ratios,
    bytesPerRow: description.storedRowBytes,
    vocabSize: description.vocabSize,
  });
  return {
    memory: { memories, engine: { embedQuery: (question) => own.embed(question) } },
    sentences: { sentences: (texts, signal) => own.sentences(texts, signal) },
    tokens: store.stats().tokens,
    passages: coder.passages,
    close: async () => {
      await encoding.close();
      await store.close();
      await model.close();
    },
  };
}

class MadeUpCoder implements SegmentCoder {
  readonly version = memoryVersion('made up');
  passages = 0;
  private readonly random = generator(1);

  constructor(private readonly description: MemoryDescription) {}

  encode(texts: readonly string[]): Promise<readonly SegmentMemory[]> {
    return Promise.resolve(texts.map((text) => this.record(text)));
  }

  private record(text: string): SegmentMemory {
    const { sentenceWidth, vocabSize, storedRowBytes } = this.description;
    const tokens = Math.ceil(text.length / CHARACTERS_PER_TOKEN);
    const ids = Uint16Array.from({ length: tokens }, () => Math.floor(vocabSize ** this.random()) - 1);
    const count = passagesOf(text).length;
    this.passages += count;
    const passages = new Uint8Array(count * sentenceWidth).map(() => this.random() * 256);
    // Rows are not read by a search, so none are stored.
    return {
      tokens,
      coarseRows: 0,
      restRows: 0,
      bytesPerRow: storedRowBytes,
      ids: new Uint8Array(ids.buffer),
      passages,
      coarse: new Uint8Array(0),
      rest: new Uint8Array(0),
    };
  }
}
