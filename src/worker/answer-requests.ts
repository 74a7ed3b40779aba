/** Requests that a user waits for: questions, searches, summaries, explanations and hovers. */
import { commitText, lineHistory, type ProgressListener } from '../app';
import { ClientWriter } from './client-writer';
import type { HandlerContext, RequestHandlers } from './handlers';

export function answerRequests({
  opened,
  foreground,
  notify,
  ...client
}: HandlerContext): Pick<
  RequestHandlers,
  | 'ask'
  | 'chat/write'
  | 'prepare'
  | 'search'
  | 'summarize'
  | 'explain'
  | 'hover'
  | 'related'
  | 'model/extendWindow'
  | 'history/lines'
  | 'history/commit'
  | 'citation/locate'
  | 'document/text'
> {
  /** Sends progress that never goes backward. */
  const progressOf = (id: string): ProgressListener => {
    let most = 0;
    return (fraction, message) => {
      most = Math.max(most, fraction);
      notify('work/progress', { id, fraction: most, message });
    };
  };
  return {
    ask: (params, signal) =>
      foreground.during(async () => {
        const session = await opened();
        // A question is the user's consent to index the folder, also in Restricted Mode.
        session.startWhenIdle();
        const { id, writer } = params;
        return session.answering.ask(params, {
          signal,
          emit: (event) => notify('answer/event', { id, event }),
          ...(writer ? { writer: new ClientWriter(id, writer, client) } : {}),
        });
      }),
    'chat/write': ({ id, chat, maxNewTokens }, signal) =>
      foreground.during(async () => {
        const onText = (text: string) => notify('chat/text', { id, text });
        const { text, stopped } = await (await opened()).answering.write(chat, { maxNewTokens, signal, onText });
        return { text, stopped };
      }),
    prepare: async (params, signal) => {
      await (await opened()).answering.prepare(params, signal);
      return null;
    },
    search: ({ question, scope, limit }, signal) =>
      foreground.during(async () => (await opened()).answering.search(question, { scope, limit, signal })),
    summarize: ({ id, file }, signal) =>
      foreground.during(async () => (await opened()).answering.summarize(file, { signal, progress: progressOf(id) })),
    explain: (params, signal) =>
      foreground.during(async () =>
        (await opened()).answering.explain(params, { signal, progress: progressOf(params.id) }),
      ),
    hover: (params, signal) => foreground.during(async () => (await opened()).answering.hover(params, signal)),
    related: ({ limit, ...span }, signal) =>
      foreground.during(async () => (await opened()).answering.related(span, { limit, signal })),
    'model/extendWindow': async ({ id, factor }, signal) =>
      (await opened()).extendWindow(factor, signal, progressOf(id)),
    'history/lines': (span, signal) => lineHistory(span, signal),
    'history/commit': async ({ file, hash }, signal) => ({ text: await commitText(file, hash, signal) }),
    'document/text': async ({ file }) => (await opened()).answering.document(file),
    'citation/locate': async ({ citation }) => (await opened()).answering.locate(citation),
  };
}
