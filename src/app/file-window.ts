/** Lines of a file that is too long to be read whole, as a document of its own. Results have lines of the file. */
import type { AssistantLibrary } from '../assistant';
import type { Document, LongFileWindow, Workspace } from '../workspace';
import { mapSpans } from './file-lines';

interface Lines {
  startLine: number;
  endLine: number;
}

export class FileWindow {
  private constructor(
    private readonly file: string,
    private readonly window: LongFileWindow,
    private readonly workspace: Workspace,
  ) {}

  /**
   * Opens the window around lines of a long file. Undefined for a file that is read whole, and beyond the end.
   * @throws ReadError
   */
  static async open(
    { file, startLine, endLine }: Lines & { file: string },
    workspace: Workspace,
    signal?: AbortSignal,
  ): Promise<FileWindow | undefined> {
    if (!workspace.long.isLong(file)) return undefined;
    const window = await workspace.long.windowAt(file, startLine, endLine, signal);
    return window && new FileWindow(file, window, workspace);
  }

  get document(): Document {
    return { ...this.window.document, firstLine: this.window.startLine };
  }

  /** Reads the window in place of the file, and other files as they are. */
  get library(): AssistantLibrary {
    const { file, workspace, document } = this;
    return {
      ownNames: workspace.ownNames,
      read: (other) => (other === file ? Promise.resolve(document) : workspace.read(other)),
      segmentsOf: (each) => workspace.segmentsOf(each),
      definitions: (name) => workspace.definitions(name),
      users: (name, options) => workspace.users(name, options),
    };
  }

  /** Lines of the window for lines of the file. */
  inside<T extends Lines>(lines: T): T {
    const before = this.window.startLine - 1;
    return { ...lines, startLine: lines.startLine - before, endLine: lines.endLine - before };
  }

  /** A copy of a result with lines of the file. */
  outward<T>(value: T): T {
    const before = this.window.startLine - 1;
    return mapSpans(value, (span) =>
      span.file === this.file ? { ...span, startLine: span.startLine + before, endLine: span.endLine + before } : span,
    );
  }
}
