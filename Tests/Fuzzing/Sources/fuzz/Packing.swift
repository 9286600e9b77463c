import CZstd

/// Frames of zstd, as programs write them.
enum Packing {
  /// `bytes` in frames of `size` bytes, with frames to be skipped and empty ones in between where `random` says so.
  static func frames(_ bytes: [UInt8], size: Int, _ random: inout SplitMix) -> [UInt8] {
    var packed: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      if random.next() % 4 == 0 { packed += [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3] }
      if random.next() % 8 == 0 { packed += frame([]) }
      packed += frame(Array(bytes[start..<min(start + size, bytes.count)]))
    }
    return bytes.isEmpty ? frame([]) : packed
  }

  private static func frame(_ bytes: [UInt8]) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count = ZSTD_compress(&room, room.count, bytes, bytes.count, 1)
    require(ZSTD_isError(count) == 0, "zstd cannot compress")
    return Array(room.prefix(count))
  }
}
