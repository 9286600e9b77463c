import CFuzzing
import Glibc

/// Bytes that come in the portions that are wanted: each write to a pipe in packet mode is read by a read of its own.
struct Portions {
  /// A pipe of a megabyte holds as many packets, each of a page at most.
  private static let mostPackets = 256
  private static let page = 4096

  private let reader: CInt

  /// The most bytes that can be sent.
  static let most = mostPackets * page / 4

  /// Sends `bytes` in portions whose sizes `random` draws, and closes the other end.
  init(_ bytes: [UInt8], _ random: inout SplitMix) {
    var ends: [CInt] = [0, 0]
    require(bytes.count <= Self.most, "too much for a pipe")
    require(packet_pipe(&ends, CInt(Self.mostPackets * Self.page)) == 0, "no pipe of that size")
    reader = ends[0]
    var place = 0
    for packet in 0..<Self.mostPackets where place < bytes.count {
      let left = bytes.count - place
      // The last packets have to take what is left.
      let least = max(1, left - (Self.mostPackets - packet - 1) * Self.page)
      let most = min(left, [1, 7, 64, Self.page][Int(random.next() % 4)])
      let size = max(least, 1 + Int(random.next() % UInt64(most)))
      let sent = bytes[place..<place + size].withUnsafeBytes { write(ends[1], $0.baseAddress, size) }
      require(sent == size, "a packet does not fit")
      place += size
    }
    close(ends[1])
  }

  var path: String { "/proc/self/fd/\(reader)" }

  func end() { close(reader) }
}
