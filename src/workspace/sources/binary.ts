import { closeSync, constants, openSync, readSync } from 'node:fs';
import { extractorFor } from './extractors';
import { binaryReason } from './extractors/text';

const HEAD_BYTES = 8_192;
const BINARY_EXTENSIONS = new Set(
  (
    'png jpg jpeg gif bmp ico icns webp avif tif tiff psd ai eps heic svgz ' +
    'mp3 mp4 m4a m4v wav ogg oga ogv flac aac avi mov mkv webm wmv mid midi ' +
    'zip gz tgz bz2 xz 7z rar tar zst lz4 br jar war ear whl egg apk ipa dmg iso deb rpm msi cab nupkg vsix ' +
    'exe dll so dylib a lib o obj pdb class pyc pyo pyd wasm node bin dat elf ko bc rlib rmeta ' +
    'woff woff2 ttf otf eot ttc ' +
    ('db sqlite sqlite3 mdb parquet arrow feather npy npz pkl pickle h5 hdf5 nc onnx pt pth safetensors gguf ' +
      'ckpt tflite pb mo ') +
    'doc xls xlsx ppt pptx odt ods odp swf fla blend fbx glb stl 3ds dwg keystore jks p12 pfx der snap'
  ).split(' '),
);

/**
 * Whether the extension is one of binary formats. Text has such names too (Modelica's `.mo`, Apple's `.pkl`), so the
 * content decides; files with other names are told apart when they are read.
 */
export function hasBinaryName(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > 0 && BINARY_EXTENSIONS.has(name.slice(dot + 1).toLowerCase());
}

/** The first 8 KB of a file. @throws the error of the file system */
export function headOf(file: string): Buffer {
  const handle = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const buffer = Buffer.allocUnsafe(HEAD_BYTES);
    return buffer.subarray(0, readSync(handle, buffer, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(handle);
  }
}

/** Why a regular file is neither text nor a document, by its beginning. @throws the error of the file system */
export function binaryContent(file: string, head = headOf(file)): string | undefined {
  return extractorFor(file, head).extract === 'thread' ? undefined : binaryReason(head);
}
