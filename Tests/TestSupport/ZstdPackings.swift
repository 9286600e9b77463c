extension Zstd {
  /// Ways to pack a capture, all of which hold the same bytes.
  package static let packings: [(name: String, pack: @Sendable ([UInt8]) -> [UInt8])] = [
    ("one frame", { frame($0) }),
    ("a frame for every 100 bytes", { frames($0, size: 100) }),
    ("a frame for every byte", { frames($0, size: 1) }),
    ("an empty frame in front", { emptyFrame + frame($0) }),
    ("empty frames in the middle", { frames($0, size: 500).joinedWithEmpty }),
    ("empty frames behind", { frame($0) + emptyFrame + emptyFrame }),
    ("a skippable frame first", { skippable([1, 2, 3]) + frame($0) }),
    ("an empty skippable frame first", { skippable([]) + frame($0) }),
    (
      "a skippable frame in the middle",
      {
        frame(Array($0.prefix(300))) + skippable(Array("index".utf8), nibble: 0xE)
          + frame(Array($0.dropFirst(300)))
      }
    ),
    (
      "a skippable frame last",
      { frame($0) + skippable([UInt8](repeating: 9, count: 300_000), nibble: 0xF) }
    ),
    ("the size of each frame in front of it, as pzstd writes it", { pzstd($0, size: 700) }),
    ("raw blocks", { frame(window: 17, rawBlocks($0, size: 1000)) }),
  ]

  private static func pzstd(_ bytes: [UInt8], size: Int) -> [UInt8] {
    stride(from: 0, to: bytes.count, by: size).flatMap { start in
      let packed = frame(Array(bytes[start..<min(start + size, bytes.count)]))
      return skippable((0..<4).map { UInt8(truncatingIfNeeded: packed.count >> ($0 * 8)) }) + packed
    }
  }

  private static func rawBlocks(_ bytes: [UInt8], size: Int) -> [Block] {
    stride(from: 0, to: bytes.count, by: size).map { .raw(Array(bytes[$0..<min($0 + size, bytes.count)])) }
  }
}

extension [UInt8] {
  /// Every frame with an empty one behind it: splits at the magic numbers.
  fileprivate var joinedWithEmpty: [UInt8] {
    var joined: [UInt8] = []
    for index in indices {
      if index > 0, index + 4 <= count, Array(self[index..<index + 4]) == [0x28, 0xB5, 0x2F, 0xFD] {
        joined += Zstd.emptyFrame
      }
      joined.append(self[index])
    }
    return joined
  }
}
