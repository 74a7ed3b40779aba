export { addAdapter } from './adapters';
export {
  CATALOGUE,
  defaultFormat,
  downloadBytes,
  memoryBytes,
  memoryOfWeights,
  parametersOf,
  type CatalogueEntry,
  type ModelShape,
} from './catalogue';
export { downloadFile, type PublishedFile } from './download';
export { HubError, type HubErrorCode } from './errors';
export type { Fetch, RetryPolicy } from './http';
export { DEFAULT_ENDPOINT, endpointOf, listModel, type HubOptions, type Listing } from './listing';
export {
  downloadModel,
  importModel,
  listModels,
  removeModel,
  type DownloadProgress,
  type InstalledModel,
  type ModelSource,
} from './models';
export { findModels, purposeOf, readSpeed, recommendedFor, recordSpeed, wordsPerSecond } from './on-disk';
export type { FoundModel, Machine, MachineSpeed, Store } from './on-disk';
export { findServers, type LocalServer } from './local-servers';
