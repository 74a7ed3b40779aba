export { SafetensorsFile, parseHeader, type LocatedTensor } from './file';
export { safetensorsFormat } from './format';
export { openSafetensors, openWeights, SafetensorsSource } from './source';
