import CZstd

/// Frames for tests: the library itself only decodes.
package enum Zstd {
  /// One frame with everything in it and a checksum, as the `zstd` command writes it.
  package static func frame(_ bytes: [UInt8]) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let capacity = room.count
    let context = unsafe ZSTD_createCCtx()
    defer { _ = unsafe ZSTD_freeCCtx(context) }
    _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    let count = unsafe room.withUnsafeMutableBytes { target in
      unsafe bytes.withUnsafeBytes { source in
        unsafe ZSTD_compress2(context, target.baseAddress, capacity, source.baseAddress, source.count)
      }
    }
    precondition(ZSTD_isError(count) == 0)
    return Array(room.prefix(count))
  }

  /// One frame for every `size` bytes, as `pzstd` and log rotation leave them.
  package static func frames(_ bytes: [UInt8], size: Int) -> [UInt8] {
    stride(from: 0, to: bytes.count, by: size).flatMap { start in
      frame(Array(bytes[start..<min(start + size, bytes.count)]))
    }
  }

  /// A frame without content.
  package static let emptyFrame = frame([])

  /// A frame that decoders step over; its magic number ends in any nibble.
  package static func skippable(_ payload: [UInt8], nibble: UInt8 = 0) -> [UInt8] {
    let count = UInt32(payload.count)
    return [0x50 | nibble, 0x2A, 0x4D, 0x18] + (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
      + payload
  }
}
