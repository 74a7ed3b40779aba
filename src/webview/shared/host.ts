import type { HostMessage, PanelMessage } from '../../protocol';

interface EditorApi {
  postMessage(message: PanelMessage): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): EditorApi;

const editor = acquireVsCodeApi();

export function post(message: PanelMessage): void {
  editor.postMessage(message);
}

export function onMessage(listener: (message: HostMessage) => void): void {
  window.addEventListener('message', (event: MessageEvent<HostMessage>) => listener(event.data));
}

/** State that survives a hidden panel (a draft, a file name). The host sends everything else again. */
export function loadState<S extends object>(): Partial<S> {
  return (editor.getState() ?? {}) as Partial<S>;
}

export function saveState<S extends object>(change: Partial<S>): void {
  editor.setState({ ...loadState<S>(), ...change });
}
