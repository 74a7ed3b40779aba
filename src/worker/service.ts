/** What the worker does with each message: the library, the assistant and the engine's process put together. */
import {
  type ClientNotifications,
  type Held,
  type IndexStatus,
  type InitializeParams,
  PROTOCOL_VERSION,
  type Requests,
  type Scope,
  type WorkerNotifications,
  type WorkerSettings,
  type Writer,
} from '../protocol';
import { join } from 'node:path';
import { ask } from '../assistant/ask';
import { locateCitation } from '../assistant/citations';
import { explain } from '../assistant/explain';
import { ExplanationCache } from '../assistant/explanation/explanation-cache';
import { hover } from '../assistant/hover';
import { summarize } from '../assistant/summarize';
import type { Workspace } from '../workspace';
import type { Engines } from '../app/engines';
import { MemoryService } from '../app/memory-service';
import { chooseModels } from '../app/models';
import { openSearch, type Search } from '../app/open-search';
import { indexSettings, openWorkspace } from '../app/open-workspace';
import { AppError, Foreground } from '../base';

export interface ServiceOptions {
  engines: Engines;
  notify: <M extends keyof WorkerNotifications>(method: M, params: WorkerNotifications[M]) => void;
  /** Ends the process once the answer to `shutdown` has left. */
  exit: () => void;
}

type RequestHandlers = {
  [M in keyof Requests]: (params: Requests[M][0], signal: AbortSignal) => Promise<Requests[M][1]>;
};
type NotificationListeners = { [M in keyof ClientNotifications]: (params: ClientNotifications[M]) => void };

interface Session {
  params: InitializeParams;
  search: Search;
  library: Workspace;
  explanations: ExplanationCache;
  memories: MemoryService;
}

/** Status is sent at most this often (ms) while indexing runs. */
const STATUS_INTERVAL = 250;

/**
 * A question waits so long (ms) for a model that is being loaded; the first load of a large one compiles it, which
 * takes minutes.
 */
const MODEL_PATIENCE = 10_000;

export class WorkerService {
  readonly foreground = new Foreground();
  private session: Promise<Session> | undefined;
  private current: Session | undefined;
  private held: Held | undefined;
  private statusTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ServiceOptions) {}

  readonly requests: RequestHandlers = {
    initialize: async (params) => {
      await this.initialize(params);
      return { protocolVersion: PROTOCOL_VERSION, pid: process.pid };
    },
    shutdown: async () => {
      await this.close();
      this.options.exit();
      return null;
    },
    ask: (params, signal) =>
      this.foreground.during(async () => {
        const { library, memories, search } = await this.opened();
        // A question is the user's wish to have the folder read, also in Restricted Mode.
        startWhenIdle(library);
        await readFirst(library, params.scope);
        const { writer, why } = await this.writer(signal);
        return ask(params, {
          library,
          search,
          writer,
          memory: memories.workspace,
          whyExtractive: why,
          signal,
          emit: (event) => this.options.notify('answer/event', { id: params.id, event }),
        });
      }),
    search: (params, signal) =>
      this.foreground.during(async () => {
        const { library, search } = await this.opened();
        await readFirst(library, params.scope);
        return search.search(params.question, { scope: params.scope, limit: params.limit, signal });
      }),
    summarize: (params, signal) =>
      this.foreground.during(async () => {
        const { library } = await this.opened();
        return summarize(params.file, { library, signal, progress: this.progressOf(params.id) });
      }),
    explain: (params, signal) =>
      this.foreground.during(async () => {
        const { library, explanations } = await this.opened();
        const { writer } = await this.writer(signal);
        return explain(params, {
          library,
          cache: explanations,
          writer,
          signal,
          progress: this.progressOf(params.id),
        });
      }),
    hover: (params, signal) =>
      this.foreground.during(async () => {
        const { library, explanations } = await this.opened();
        const author = this.options.engines.writer()?.author;
        return hover(params, { library, cache: explanations, author, signal });
      }),
    'index/status': async () => this.status(await this.opened()),
    'index/start': async () => {
      startWhenIdle((await this.opened()).library);
      return null;
    },
    'index/rebuild': async () => {
      const session = await this.opened();
      // Before the clearing, which takes a moment: a pause that comes meanwhile holds.
      this.hold(session, undefined);
      await session.library.clear();
      void session.library.start();
      return null;
    },
    'index/clear': async () => {
      const session = await this.opened();
      const { library, explanations, memories } = session;
      const freed = (await library.clear()) + (await memories.clear());
      // What was cancelled is gone; the next question begins anew.
      if (this.held === 'cancelled') this.hold(session, undefined);
      return { bytesFreed: freed + (await explanations.clear()) };
    },
    'index/pause': async ({ paused }) => {
      const session = await this.opened();
      this.hold(session, paused ? 'paused' : undefined);
      if (!paused && session.library.status().state === 'cancelled') void session.library.start();
      return null;
    },
    'index/cancel': async () => {
      const session = await this.opened();
      if (isWorking(this.status(session))) {
        this.hold(session, 'cancelled');
        await session.library.cancel();
      }
      return this.status(session);
    },
    'index/why': async ({ file }) => (await this.opened()).library.why(file),
    'citation/locate': async ({ citation }) => locateCitation(citation, (await this.opened()).library),
  };

  readonly notifications: NotificationListeners = {
    'files/changed': ({ changes }) => this.soon('files/changed', ({ library }) => library.applyChanges(changes)),
    'files/unsaved': ({ file, text }) => this.soon('files/unsaved', ({ library }) => library.setUnsaved(file, text)),
    'folders/changed': ({ folders }) => this.soon('folders/changed', ({ library }) => library.setFolders(folders)),
    'settings/changed': ({ settings }) =>
      this.soon('settings/changed', (session) => this.changeSettings(session, settings)),
    'files/open': ({ files }) =>
      this.soon('files/open', ({ library, memories }) => {
        library.setFirst(files);
        memories.setOpen(files);
      }),
  };

  /** Sends the status now, or shortly after the last one. */
  statusChanged(): void {
    this.statusTimer ??= setTimeout(() => {
      this.statusTimer = undefined;
      if (this.current) this.options.notify('index/status', this.status(this.current));
    }, STATUS_INTERVAL);
  }

  async close(): Promise<void> {
    clearTimeout(this.statusTimer);
    this.options.engines.close();
    const session = await this.session?.catch(() => undefined);
    this.session = undefined;
    this.current = undefined;
    await session?.memories.end();
    await session?.library.close();
  }

  // ── The session ─────────────────────────────────────────────────────────────────────────────────────────────────

  private async initialize(params: InitializeParams): Promise<void> {
    if (params.protocolVersion !== PROTOCOL_VERSION) {
      throw new AppError(
        'internal',
        `The client speaks version ${params.protocolVersion} of the protocol, the worker ${PROTOCOL_VERSION}.`,
        'Install the extension again.',
      );
    }
    if (this.session) throw new AppError('internal', 'The worker is initialized already.');
    this.session = this.open(params);
    this.session.catch(() => (this.session = undefined));
    await this.session;
    // Loading takes seconds; until then answers quote the sources and the status says "loading".
    void this.loadModel(params).catch((error: unknown) => this.warn('model', error));
  }

  private async open(params: InitializeParams): Promise<Session> {
    const warn = (message: string): void => this.options.notify('log', { level: 'warn', message });
    const library = await openWorkspace({ ...params, yieldToForeground: () => this.foreground.clear() }, warn);
    const { engines } = this.options;
    const memories = new MemoryService({
      library,
      engine: engines.memory,
      storageDirectory: params.storageDirectory,
      budgetBytes: params.settings.memoryBudgetBytes,
      yieldToForeground: async () => {
        await this.foreground.clear();
        await engines.quiet();
      },
      changed: () => this.statusChanged(),
      warn,
    });
    library.onStatus(() => {
      this.statusChanged();
      void memories.update();
    });
    const explanations = new ExplanationCache(join(params.storageDirectory, 'explanations'), { warn });
    const search = openSearch(library, memories);
    const session = (this.current = { params, library, search, explanations, memories });
    this.hold(session, params.held);
    if (params.held === 'cancelled') await library.cancel();
    else if (params.trusted) void library.start();
    return session;
  }

  /** @throws AppError('notInitialized') */
  private opened(): Promise<Session> {
    if (!this.session)
      throw new AppError('notInitialized', 'The worker has not been initialized.', 'Send `initialize` first.');
    return this.session;
  }

  private async changeSettings(session: Session, settings: WorkerSettings): Promise<void> {
    session.params = { ...session.params, settings };
    await Promise.all([
      session.library.setSettings(indexSettings(settings)),
      session.memories.setBudget(settings.memoryBudgetBytes),
      this.changeModel(session),
    ]);
  }

  /** Another model takes over between questions: the one that is writing finishes its answer. */
  private async changeModel(session: Session): Promise<void> {
    await this.foreground.quiet();
    await this.loadModel(session.params);
  }

  private async loadModel(params: InitializeParams): Promise<void> {
    await this.options.engines.choose(await chooseModels(params));
    await this.current?.memories.update();
  }

  // ── Helpers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The model that writes, once it is loaded; otherwise why a model that should be in use is not. */
  private async writer(signal: AbortSignal): Promise<{ writer?: Writer; why?: string }> {
    const { engines } = this.options;
    await this.modelSettled(signal);
    const writer = engines.writer('answer');
    if (writer) return { writer };
    const failed = [engines.chat, engines.memory].find(
      ({ status: { state } }) => state === 'failed' || state === 'loading',
    );
    return failed ? { why: `The model is not in use. ${failed.status.detail}` } : {};
  }

  /** Waits a while for a model that is being loaded. */
  private async modelSettled(signal: AbortSignal): Promise<void> {
    await Promise.race([
      this.options.engines.settled(signal),
      new Promise((resolve) => setTimeout(resolve, MODEL_PATIENCE).unref()),
    ]);
  }

  private status({ library, memories }: Session): IndexStatus {
    const { status } = memories;
    return {
      ...library.status(),
      model: this.options.engines.status,
      ...(status ? { memories: status } : {}),
      ...(this.held ? { held: this.held } : {}),
    };
  }

  /** Whether the user lets the work go on that goes on by itself. A pass that is cancelled is ended by the caller. */
  private hold({ library, memories }: Session, held: Held | undefined): void {
    this.held = held;
    library.pause(held === 'paused');
    memories.pause(held !== undefined);
    this.statusChanged();
  }

  private progressOf(id: string): (fraction: number, message: string) => void {
    let most = 0;
    return (fraction, message) => {
      most = Math.max(most, fraction);
      this.options.notify('work/progress', { id, fraction: most, message });
    };
  }

  private soon(what: string, work: (session: Session) => unknown): void {
    Promise.resolve()
      .then(() => this.opened())
      .then(work)
      .catch((error: unknown) => this.warn(what, error));
  }

  private warn(what: string, error: unknown): void {
    this.options.notify('log', {
      level: 'warn',
      message: `${what}: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}

/**
 * Begins the first pass, or one after a clear or a failure. What has been read is kept up to date by file events, not
 * walked for each question.
 */
function startWhenIdle(library: Workspace): void {
  const { state } = library.status();
  if (state === 'idle' || state === 'failed') void library.start();
}

/** A question about one file waits for that file, not for the rest of the workspace. */
async function readFirst(library: Workspace, scope: Scope): Promise<void> {
  if ((scope.kind === 'file' || scope.kind === 'selection') && library.status().state !== 'ready')
    await library.applyChanges([{ file: scope.file, type: 'changed' }]);
}

/** Whether there is work that can be cancelled. */
function isWorking({ state, memories }: IndexStatus): boolean {
  return (
    state === 'walking' ||
    state === 'indexing' ||
    state === 'paused' ||
    (memories !== undefined && !memories.standstill && memories.encoded < memories.segments)
  );
}
