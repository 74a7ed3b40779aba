/** JSON-RPC between processes: typed requests, errors, and the owner of a child process. */
export { serve, signalOf, type RequestMap, type ServerOptions } from './connection';
export { errorData, toResponseError } from './errors';
export { inspectorFlags } from './inspector';
export { ipcConnection, tolerant } from './ipc-connection';
export { privateSocket } from './private-socket';
export { startPulse } from './pulse';
export { connectShared, connectTo, LISTEN, socketConnection } from './shared-worker';
export {
  delay,
  Supervisor,
  TIMING,
  whileAlive,
  type Supervised,
  type SupervisorTiming,
  type Verdict,
} from './supervisor';
