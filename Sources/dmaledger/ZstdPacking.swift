import CZstd

/// Compressed output: frames that any zstd reads, also one behind the other.
enum ZstdPacking {
  /// The bytes as a file of this name shall hold them: one frame with a checksum where the name ends in `.zst`.
  static func packed(_ bytes: [UInt8], for path: String?) -> [UInt8] {
    isWanted(for: path) ? frame(bytes) : bytes
  }

  static func isWanted(for path: String?) -> Bool {
    path?.hasSuffix(".zst") ?? false
  }

  /// One frame with everything in it.
  static func frame(_ bytes: [UInt8]) -> [UInt8] {
    // Safe: The context is freed behind its last use; libzstd writes no more than the room it is given.
    let context = unsafe ZSTD_createCCtx()
    defer { _ = unsafe ZSTD_freeCCtx(context) }
    _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    return unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { room, count in
      unsafe bytes.withUnsafeBytes { source in
        count = unsafe ZSTD_compress2(
          context, room.baseAddress, room.count, source.baseAddress, source.count)
      }
      // With room for the worst case only a lack of memory is left, and that ends a Swift program anyway.
      precondition(ZSTD_isError(count) == 0, "zstd cannot compress")
    }
  }

  /// The content of one of our own frames, which say how long it is; `nil` where it is damaged or none of ours.
  static func content(_ frame: UnsafeRawBufferPointer) -> [UInt8]? {
    // Safe: libzstd reads and writes no more than the sizes it is given.
    let length = unsafe ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
    guard length <= UInt64(longest) else { return nil }
    var isWhole = false
    let content = unsafe [UInt8](unsafeUninitializedCapacity: Int(length)) { room, count in
      let produced = unsafe ZSTD_decompress(room.baseAddress, room.count, frame.baseAddress, frame.count)
      isWhole = ZSTD_isError(produced) == 0
      count = isWhole ? produced : 0
    }
    return isWhole ? content : nil
  }

  /// Frames hold a few hundred kilobytes of records, or one capture; what claims to be longer is damaged.
  static let longest = 1 << 30
}
