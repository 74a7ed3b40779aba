/** Notifications of the editor: changed files, unsaved text, folders and settings. */
import type { ClientNotifications } from '../protocol';
import type { Session } from '../app';
import type { HandlerContext, NotificationListeners } from './handlers';

export function editorNotifications({
  opened,
  warn,
}: Pick<HandlerContext, 'opened' | 'warn'>): Omit<NotificationListeners, 'writer/text'> {
  /** Runs the work once the session is open. A failure is logged, because no client waits for it. */
  const enqueue = (method: keyof ClientNotifications, work: (session: Session) => unknown): void => {
    Promise.resolve()
      .then(opened)
      .then(work)
      .catch((error: unknown) => warn(method, error));
  };
  return {
    'files/changed': ({ changes }) => enqueue('files/changed', ({ workspace }) => workspace.applyChanges(changes)),
    'files/unsaved': ({ file, text, language }) =>
      enqueue('files/unsaved', ({ workspace }) => workspace.setUnsaved(file, text, language)),
    'folders/changed': ({ folders }) => enqueue('folders/changed', ({ workspace }) => workspace.setFolders(folders)),
    'settings/changed': ({ settings }) => enqueue('settings/changed', (session) => session.changeSettings(settings)),
    'files/open': ({ files }) =>
      enqueue('files/open', ({ workspace, memory }) => {
        workspace.setFirst(files);
        memory.setOpen(files);
      }),
  };
}
