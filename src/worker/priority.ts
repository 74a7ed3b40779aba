import { constants, setPriority } from 'node:os';

/** Below what the user is typing in; not possible everywhere, and then not needed. */
export function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some sandboxes forbid it.
  }
}
