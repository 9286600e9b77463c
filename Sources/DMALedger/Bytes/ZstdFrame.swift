/// Where the frames of a zstd file begin and end, told by their headers without decompressing anything.
///
///     magic  descriptor  window  dictionary  size     blocks …               checksum
///     4      1           0…1     0…4         0…8      3 + length each        0 or 4      bytes
///
/// Layout: RFC 8878, 3.1. Frames are independent of one another, so each can be decompressed by a thread of its own.
struct ZstdFrame {
  /// Whether four bytes, lowest first, begin a frame or a skippable one.
  static func isMagic(_ magic: UInt32) -> Bool {
    magic == 0xFD2F_B528 || isSkippable(magic)
  }

  private static func isSkippable(_ magic: UInt32) -> Bool { magic & 0xFFFF_FFF0 == 0x184D_2A50 }

  /// The longest header that a frame can have, in bytes.
  static let longestHeader = 18

  /// What the header of a frame says of the memory that decoding takes.
  enum Window: Equatable {
    /// So many bytes, clamped to what an `Int` holds; 0 for a frame that is stepped over.
    case bytes(Int)
    /// The header goes on behind the bytes given.
    case unknown
  }

  /// The window of the frame that begins with `bytes`, whose first four are known to be a magic number.
  static func window(_ bytes: Span<UInt8>) -> Window {
    func number(at place: Int, _ count: Int) -> UInt64 {
      (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << (8 * UInt64($1)) }
    }
    if isSkippable(UInt32(number(at: 0, 4))) { return .bytes(0) }
    guard bytes.count > 5 else { return .unknown }
    let flags = bytes[4]
    guard flags & 0x20 != 0 else {
      // A power of two and eighths of it; at most 2^41 and 7/8.
      let base = 1 << (10 + Int(bytes[5] >> 3))
      return .bytes(base + base / 8 * Int(bytes[5] & 7))
    }
    // A frame of one segment refers to all of its content, whose size follows the dictionary's number.
    let place = 5 + [0, 1, 2, 4][Int(flags & 3)]
    let count = 1 << Int(flags >> 6)
    guard bytes.count >= place + count else { return .unknown }
    let size = number(at: place, count) + (count == 2 ? 256 : 0)
    return .bytes(Int(min(size, UInt64(Int.max))))
  }

  /// The end of the frame that begins at `start`; `nil` where none does, or where it is cut off.
  static func end(of start: Int, in file: OpenFile, size: Int) -> Int? {
    guard let head = word(at: start, in: file, size: size), isMagic(head) else { return nil }
    if isSkippable(head) {
      guard let length = word(at: start + 4, in: file, size: size) else { return nil }
      let end = start + 8 + Int(length)
      return end <= size ? end : nil
    }
    guard let flags = word(at: start + 4, in: file, size: size, count: 1) else { return nil }
    let isSingleSegment = flags & 0x20 != 0
    let dictionary = [0, 1, 2, 4][Int(flags & 3)]
    let content = [isSingleSegment ? 1 : 0, 2, 4, 8][Int(flags >> 6)]
    var place = start + 5 + (isSingleSegment ? 0 : 1) + dictionary + content
    while let block = word(at: place, in: file, size: size, count: 3) {
      let length = Int(block >> 3)
      // A block of one byte repeated holds that byte only.
      place += 3 + (block >> 1 & 3 == 1 ? 1 : length)
      if block & 1 != 0 {
        place += flags & 4 != 0 ? 4 : 0
        return place <= size ? place : nil
      }
    }
    return nil
  }

  /// `count` bytes as a number, lowest first.
  private static func word(at place: Int, in file: OpenFile, size: Int, count: Int = 4) -> UInt32? {
    guard place + count <= size else { return nil }
    var bytes: UInt32 = 0
    // Safe: The number has four bytes, and `count` is at most that.
    let read = unsafe withUnsafeMutableBytes(of: &bytes) { room in
      unsafe file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]), at: (place, place + count))
    }
    return read == count ? UInt32(littleEndian: bytes) : nil
  }
}
