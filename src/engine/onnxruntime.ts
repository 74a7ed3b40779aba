/** The one import of ONNX Runtime. Its telemetry must be off before it loads, so the order of these lines matters. */
import '../base/no-telemetry';
export * as ort from 'onnxruntime-node';

/** Whether a session may read initializers from a folder by itself. */
export const readsFolders = true;
