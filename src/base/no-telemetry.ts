/**
 * Switches off the telemetry of ONNX Runtime for this process and its child processes. The native library reads the
 * variable once, while it loads, so every entry point that may load it imports this module first.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
