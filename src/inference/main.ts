/**
 * Entry point of the inference process: ONNX Runtime runs only here. The messages are in protocol/inference.ts.
 * The process ends with the worker.
 */
import '../base/no-telemetry';
import type { EngineNotifications, EngineRequests } from '../protocol';
import { ipcConnection, serve } from '../rpc';
import { EngineModel } from './engine-model';
import type { MemoryModel } from './memory-model';
import { AppError } from '../base';

function main(): void {
  if (!process.send) {
    process.stderr.write('The engine is started by the worker, over IPC.\n');
    process.exit(2);
  }
  const connection = ipcConnection(process);
  const notify = <M extends keyof EngineNotifications>(method: M, params: EngineNotifications[M]): void => {
    if (process.connected) connection.sendNotification(method, params).catch(() => {});
  };
  let model: EngineModel | undefined;
  const loaded = (): EngineModel => {
    if (!model) throw new AppError('modelFailed', 'No model is loaded.');
    return model;
  };
  const memory = (): MemoryModel => {
    const { memory: found } = loaded();
    if (!found) throw new AppError('modelFailed', 'The model has no memory slots.');
    return found;
  };
  serve<EngineRequests, Record<never, never>>(
    connection,
    withMemoryReport(
      {
        load: async (params, signal) => {
          await model?.close();
          model = undefined;
          model = await EngineModel.load(params, signal, {
            damaged: (message) => notify('log', { level: 'warn', message }),
            progress: hundredths((share) => notify('load/progress', { share })),
          });
          // The first question then finds the graphs open. A failure is reported when the model is used.
          if (!model.memory) void model.measureSpeed().catch(() => {});
          return model.description;
        },
        countChats: ({ chats }) => chats.map((chat) => loaded().count(chat)),
        write: ({ id, chat, maxNewTokens, quotes }, signal) =>
          loaded().write(chat, {
            maxNewTokens,
            signal,
            quotes,
            onText: (text) => notify('write/text', { id, text }),
            onRead: (read, total) => notify('write/read', { id, read, total }),
          }),
        readiness: ({ chat, quotes }) => loaded().readiness(chat, quotes),
        readAhead: ({ chat, quotes }, signal) => loaded().readAhead(chat, quotes, signal),
        extendWindow: ({ id, ...params }, signal) =>
          loaded().extendWindow({
            ...params,
            signal,
            onProgress: (done, total) => notify('extend/progress', { id, done, total }),
          }),
        forgetRows: async () => {
          await model?.forget();
          return null;
        },
        encode: ({ texts }, signal) => memory().encode(texts, signal),
        embed: ({ question }) => memory().embed(question),
        sentences: ({ texts }, signal) => memory().sentences(texts, signal),
        countTokens: ({ texts }) => memory().countTokens(texts),
        compose: ({ id, ...params }, signal) =>
          memory().compose(params, {
            signal,
            ...(id === undefined
              ? {}
              : {
                  onRead: (reading) => notify('compose/read', { id, reading }),
                  onText: (text) => notify('write/text', { id, text }),
                }),
          }),
      },
      (residentBytes) => notify('memory', { residentBytes }),
    ),
    {},
    {
      failed: (method, error) =>
        notify('log', {
          level: 'debug',
          message: `${method}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        }),
    },
  );
  process.once('disconnect', () => process.exit(0));
  connection.listen();
}

/** Passes on shares that differ by a hundredth. */
function hundredths(tell: (share: number) => void): (share: number) => void {
  let told = -1;
  return (share) => {
    const hundredth = Math.floor(share * 100);
    if (hundredth === told) return;
    told = hundredth;
    tell(share);
  };
}

/** Reports the resident memory of the process after each request. */
function withMemoryReport<H extends object>(handlers: H, tell: (residentBytes: number) => void): H {
  const entries = Object.entries(handlers).map(([name, handle]: [string, (...args: unknown[]) => unknown]) => [
    name,
    async (...args: unknown[]) => {
      try {
        return await handle(...args);
      } finally {
        tell(process.memoryUsage.rss());
      }
    },
  ]);
  return Object.fromEntries(entries) as H;
}

main();
