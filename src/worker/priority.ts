import { constants, setPriority } from 'node:os';

/** Runs this process below the priority of the editor, where the system allows it. */
export function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some sandboxes forbid it.
  }
}
