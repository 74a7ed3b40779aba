export { findModels, type FoundModel } from './find';
export { purposeOf, recommendedFor } from './purpose';
export { readSpeed, recordSpeed, wordsPerSecond, type MachineSpeed } from './speed';
export type { Machine, Store } from './stores';
