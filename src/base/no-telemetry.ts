/**
 * Switches off the telemetry of ONNX Runtime for this process and those it starts. The native library reads the
 * variable once, while it loads: every entry that may load it imports this module first.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
