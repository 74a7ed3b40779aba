/** Entry point of an indexing thread: segments the texts it receives (pool.ts). Only tree-sitter's wasm runs here. */
import { parentPort, workerData } from 'node:worker_threads';
import { encodeSegmented } from '../store/segmented-codec';
import type { ThreadReply, ThreadTask } from './pool';
import { createSegmenter } from './segmenter';

const port = parentPort;
if (port) {
  const { grammars } = workerData as { grammars: string };
  const segmenter = createSegmenter({ grammars });
  port.on('message', (task: ThreadTask) => {
    void (async () => {
      const { id, document } = task;
      try {
        const segmented = await (await segmenter).segment(document);
        port.postMessage({ id, segmented, encoded: encodeSegmented(segmented) } satisfies ThreadReply);
      } catch (error) {
        port.postMessage({ id, error: error instanceof Error ? error.message : String(error) } satisfies ThreadReply);
      }
    })();
  });
}
