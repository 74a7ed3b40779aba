export { SafetensorsFile } from './file';
export { safetensorsFormat } from './format';
export { parseHeader, type LocatedTensor } from './header';
export { openSafetensors, openWeights, SafetensorsSource } from './source';
