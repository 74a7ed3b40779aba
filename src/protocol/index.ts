/** Types of all messages, by wire. Nothing here runs except the version number. */
export * from './answers';
export * from './author';
export * from './index-status';
export * from './inference';
export * from './memory';
export * from './panels';
export * from './worker';
