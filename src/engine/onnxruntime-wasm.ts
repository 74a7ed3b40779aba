/**
 * ONNX Runtime compiled to WebAssembly, for platforms without a native binary: macOS on Intel, and Linux with musl. The
 * build puts this file in the place of onnxruntime.ts (`scripts/build.mjs --runtime wasm`). It is slower, has no
 * telemetry, and reads no folders: initializers come from buffers, of at most 4 GB in all.
 */
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-web';

// The number of threads is one for the whole process, fixed when the first session is created.
ort.env.wasm.numThreads = Math.max(1, Math.ceil(availableParallelism() / 2));

export { ort };

/** Whether a session may read initializers from a folder by itself. */
export const readsFolders = false;
