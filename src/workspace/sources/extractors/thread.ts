/** Entry of the extraction thread: reads the documents it is sent, one after another (extraction-thread.ts). */
import { parentPort } from 'node:worker_threads';
import { EXTRACT } from './extraction-work';
import type { ExtractionReply, ExtractionTask } from './extraction-thread';
import { ExtractionError } from './extractor';

// pdf.js rejects promises nobody waits for when a PDF is broken; they must not end the thread under another document.
process.on('unhandledRejection', () => undefined);

const port = parentPort;
port?.on('message', ({ id, type, bytes, limits }: ExtractionTask) => {
  void (async () => {
    try {
      const extract = EXTRACT[type];
      if (!extract) throw new Error(`No extractor reads ${type}.`);
      port.postMessage({ id, extraction: await extract(bytes, limits) } satisfies ExtractionReply);
    } catch (error) {
      const code = error instanceof ExtractionError ? error.code : undefined;
      const message = error instanceof Error ? error.message : String(error);
      port.postMessage({ id, error: { code, message } } satisfies ExtractionReply);
    }
  })();
});
