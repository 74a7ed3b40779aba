/** The door of this room: one session over a workspace, as the worker and the terminal use it. */
export type { StoreAccess } from '../workspace';
export { type CheckedPart, checkStored } from './check';
export { Session, type SessionOptions } from './session';
export type { Answering, ProgressListener } from './answering';
export { type PullFigures, pullRows, pushRows, sweepTeam, teamStatus } from './team/team-work';
export { generateKeys, PATIENT, type Patience, type PushedIndex } from '../team';
export { documentedFunctions } from './documented-functions';
export { readIndexReport, type IndexReport } from './index-report';
export type { MemoryService } from './memory-service';
export { modelNames, type ModelNames } from './models';
export { cacheDirectory, DEFAULT_SETTINGS, defaultStorage, distinctNames } from '../base/node';
export { definitionNamed } from './definition-named';
export { commitText, lineHistory } from './history/line-history';
export { StoreLock, withSavedTexts } from '../workspace';
