import type { ChildProcess } from 'node:child_process';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  type MessageReader,
} from 'vscode-jsonrpc/node';

/** A connection over the IPC channel of this process to its parent, or of a child process. */
export function ipcConnection(end: NodeJS.Process | ChildProcess): MessageConnection {
  return createMessageConnection(tolerant(new IPCMessageReader(end)), new IPCMessageWriter(end));
}

/**
 * A reader that drops messages which vscode-jsonrpc cannot handle. It throws on some of them, such as a cancellation
 * without an id, and an exception in the listener of a channel ends the process.
 */
export function tolerant(reader: MessageReader): MessageReader {
  return {
    onError: reader.onError,
    onClose: reader.onClose,
    onPartialMessage: reader.onPartialMessage,
    listen: (callback) =>
      reader.listen((message) => {
        try {
          callback(message);
        } catch {
          // Nobody waits for an answer to it.
        }
      }),
    dispose: () => reader.dispose(),
  };
}
