import vm from 'node:vm';
import { AppError, errorCode } from '../../base';

/** Work that was stopped because it ran longer than any honest input needs. */
export class TimeLimitError extends AppError<'timeout'> {
  override readonly name = 'TimeLimitError';

  constructor(milliseconds: number) {
    super('timeout', `stopped after ${milliseconds} ms`);
  }
}

interface Slot {
  run: (() => unknown) | undefined;
}

let slot: Slot | undefined;
let context: vm.Context | undefined;
const script = new vm.Script('run()');

/**
 * Runs synchronous work and stops it when it takes too long, even inside a regular expression that backtracks forever.
 * V8's watchdog for vm scripts ends whatever the thread executes. It costs a few tens of microseconds. After a stop,
 * discard any state that `work` was changing.
 *
 * @throws TimeLimitError, or an error of `work`
 */
export function withTimeLimit<T>(milliseconds: number, work: () => T): T {
  slot ??= { run: undefined };
  context ??= vm.createContext(slot);
  const outer = slot.run;
  slot.run = work;
  try {
    return script.runInContext(context, { timeout: Math.ceil(milliseconds) }) as T;
  } catch (error) {
    // The error comes from another context, so it is no instance of this one's Error.
    if (errorCode(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new TimeLimitError(Math.ceil(milliseconds));
    throw error;
  } finally {
    slot.run = outer;
  }
}
