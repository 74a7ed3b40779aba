/** Public interface of this folder: compressed rows that a team computes once and shares over an object store. */
export { generateKeys } from './log/team-keys';
export { ObjectStoreError, type ObjectStoreErrorCode } from './objects/object-store';
export { commitIndex, type IndexPlace, type PushedIndex, takeIndex } from './index-snapshot';
export { IMPATIENT, PATIENT, type Patience, PatientStore, type RequestCounts } from './objects/patient-store';
export { Prefilter } from './packs/prefilter';
export { checkConditions, Push, type PushResult, type PushSource } from './push';
export { sweep, type SweepResult } from './sweep';
export { type PullResult, TeamMemory } from './team-memory';
export { openPlace, shownAddress, type TeamPlace } from './team-settings';
