/** The door of this room: the owner of the process that runs models. Workspace and search are unknown here. */
export { EngineProcess, type EngineListener, type EngineOptions, type ModelChoice } from './engine-process';
export { ServerModel, type ServerSettings } from './server';
export { hasMemorySlots } from './memory-config';
