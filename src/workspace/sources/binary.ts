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

/** Whether the extension of a file name indicates binary content. */
export function hasBinaryName(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > 0 && BINARY_EXTENSIONS.has(name.slice(dot + 1).toLowerCase());
}
