/** UIO-LLMs: the compressed rows of a workspace as they are, zeroed, and all that the bundled model stores left out. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MemoryReader } from '../../../src/memory';
import { EngineModel } from '../../../src/inference/engine-model';
import { createSegmenter } from '../../../src/workspace/segments/segmenter';
import type { Document } from '../../../src/workspace/types';
import { encodeAll, engineOf, IndexedWorkspace, searchOver } from '../memory/indexed';
import { readCorpus } from '../retrieval/corpus';
import type { Outcome } from './outcome';

const ENCODER = join('dist', 'models', 'all-minilm-l6-v2');
const COMMENT = /\/\*\*[\s\S]*?\*\//g;

/** Questions are the first comments of files, which the indexed text lacks; the right answer is the file. */
export async function workspaceMemories(folder: string, count: number, threads: number): Promise<Outcome[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'anchorage-ablation-'));
  const model = await EngineModel.load({
    directory: join('models', 'anchorage-8m'),
    compiledDirectory: join(scratch, 'compiled'),
    ...(existsSync(ENCODER) ? { encoderDirectory: ENCODER } : {}),
    weights: 'auto',
    threads,
  });
  try {
    const { memory } = model;
    if (!memory) throw new Error('the bundled model has no memory slots');
    const { documents, asked } = uncommented(await readCorpus(folder), count);
    const workspace = await IndexedWorkspace.open(documents, await createSegmenter());
    const encoded = await encodeAll(workspace, memory, join(scratch, 'store'));
    const engine = engineOf(memory);
    const right = async (memories?: MemoryReader): Promise<number[]> => {
      const search = searchOver(workspace, memories && { memories, engine });
      const found: number[] = [];
      for (const { question, path } of asked) {
        const { spans } = await search.search(question, { scope: { kind: 'workspace' }, limit: 5 });
        found.push(spans[0]?.path === path ? 1 : 0);
      }
      return found;
    };
    const all = await right(encoded.memories);
    const shared = {
      system: 'UIO-LLMs',
      shown: 'questions with the right file first',
      subject: `${documents.length} files without comments`,
      with: all,
    } as const;
    const outcomes: Outcome[] = [
      { ...shared, removed: 'memory rows zeroed', without: await right(encoded.altered('rows zeroed')) },
      { ...shared, removed: 'no memory of the workspace', without: await right() },
    ];
    await encoded.close();
    return outcomes;
  } finally {
    await model.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function uncommented(
  documents: readonly Document[],
  count: number,
): { documents: Document[]; asked: { question: string; path: string }[] } {
  const asked = documents.flatMap(({ text, path }) => {
    const [comment = ''] = text.match(COMMENT) ?? [];
    const prose = comment
      .replace(/^\s*\/?\*+\/?/gm, ' ')
      .replace(/\s+/g, ' ')
      .trim();
    const [sentence = ''] = prose.match(/^[^.]{30,200}/) ?? [];
    return sentence === '' ? [] : [{ question: sentence, path }];
  });
  const step = Math.max(1, asked.length / count);
  return {
    documents: documents.map((document) => {
      const text = document.text.replace(COMMENT, '');
      return { ...document, text, hash: createHash('sha256').update(text).digest('hex') };
    }),
    asked: asked.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step)).slice(0, count),
  };
}
