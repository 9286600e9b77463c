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

  /// A block as it stands in a frame: bytes as they are, or one byte so many times. At most 128 KiB.
  package enum Block {
    case raw([UInt8])
    case repeated(UInt8, Int)
  }

  /// A frame put together by hand (RFC 8878, 3.1.1): `window` is 2 to this power and `eighths` of it. It says nothing of the
  /// size of its content, so that a few bytes can stand for a terabyte.
  package static func frame(window power: Int, eighths: Int = 0, _ blocks: [Block]) -> [UInt8] {
    [0x28, 0xB5, 0x2F, 0xFD, 0, UInt8((power - 10) << 3 | eighths)] + encoded(blocks)
  }

  /// The same with all content as its window, of whose size it says `size`.
  package static func singleSegment(size: UInt64, _ blocks: [Block]) -> [UInt8] {
    [0x28, 0xB5, 0x2F, 0xFD, 0xE0] + (0..<8).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) }
      + encoded(blocks)
  }

  private static func encoded(_ blocks: [Block]) -> [UInt8] {
    blocks.enumerated().flatMap { index, block in
      let isLast = index == blocks.count - 1 ? 1 : 0
      let (kind, size, bytes) =
        switch block {
        case .raw(let bytes): (0, bytes.count, bytes)
        case .repeated(let byte, let count): (1, count, [byte])
        }
      let head = size << 3 | kind << 1 | isLast
      return [UInt8(head & 0xFF), UInt8(head >> 8 & 0xFF), UInt8(head >> 16)] + bytes
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

  /// The content of frames that say how long it is, one behind the other, decoded by libzstd's simple interface.
  package static func unpacked(_ frames: [UInt8]) -> [UInt8]? {
    var content: [UInt8] = []
    var rest = frames[...]
    while !rest.isEmpty {
      let packed = Array(rest)
      let size = unsafe packed.withUnsafeBytes { bytes in
        unsafe ZSTD_findFrameCompressedSize(bytes.baseAddress, bytes.count)
      }
      let length = unsafe packed.withUnsafeBytes { bytes in
        unsafe ZSTD_getFrameContentSize(bytes.baseAddress, bytes.count)
      }
      // ZSTD_CONTENTSIZE_UNKNOWN and ZSTD_CONTENTSIZE_ERROR are macros that Swift does not see: the two highest numbers.
      guard ZSTD_isError(size) == 0, length < UInt64.max - 1 else { return nil }
      var room = [UInt8](repeating: 0, count: Int(length) + 1)
      let count = unsafe room.withUnsafeMutableBytes { target in
        unsafe packed.withUnsafeBytes { source in
          unsafe ZSTD_decompress(target.baseAddress, target.count, source.baseAddress, size)
        }
      }
      guard ZSTD_isError(count) == 0 else { return nil }
      content += room.prefix(count)
      rest = rest.dropFirst(size)
    }
    return content
  }
}
