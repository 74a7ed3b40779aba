export { isLoopbackHost, parseServer, type ServerChoice } from './address';
export { ServerModel, type ServerSettings } from './server-model';
export { ServerWriter, serverModels } from './server-writer';
