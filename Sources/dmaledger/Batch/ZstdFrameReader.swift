import CZstd
import DMALedger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The frames of a file that we wrote ourselves, one by one, and where each ends: the last may be cut off.
struct ZstdFrameReader {
  private let descriptor: Int32
  private let path: String
  /// Bytes of the file up to and with the frame that was read last.
  private(set) var offset = 0
  private var buffer: [UInt8] = []
  private var start = 0

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// The content of the next whole frame; `nil` at the end and where the last frame is cut off.
  mutating func next() throws(InputError) -> [UInt8]? {
    while true {
      if let size = frameSize {
        let content = try decoded(size)
        start += size
        offset += size
        return content
      }
      guard try readMore() else { break }
    }
    // What is left is the beginning of a frame, or it is none of ours and not to be cut away.
    let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    guard zip(buffer[start...], magic).allSatisfy(==) else {
      throw InputError(path: path, reason: "the bytes from \(offset) on are no zstd frame")
    }
    return nil
  }

  private var frameSize: Int? {
    guard start < buffer.count else { return nil }
    // Safe: The place lies within the buffer, by the guard, and libzstd stays within what is left.
    let size = unsafe buffer.withUnsafeBytes { bytes in
      unsafe ZSTD_findFrameCompressedSize(bytes.baseAddress?.advanced(by: start), bytes.count - start)
    }
    return ZSTD_isError(size) == 0 ? size : nil
  }

  private func decoded(_ size: Int) throws(InputError) -> [UInt8] {
    // Safe: The frame was found in the buffer, with its size.
    let content = unsafe buffer.withUnsafeBytes { bytes in
      unsafe ZstdPacking.content(UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]))
    }
    guard let content else { throw damage }
    return content
  }

  private var damage: InputError {
    InputError(path: path, reason: "the zstd frame at byte \(offset) is damaged")
  }

  private mutating func readMore() throws(InputError) -> Bool {
    buffer.removeFirst(start)
    start = 0
    guard buffer.count < ZstdPacking.longest else { throw damage }
    let known = buffer.count
    let wanted = max(1 << 20, known)
    buffer.append(contentsOf: repeatElement(0, count: wanted))
    let place = off_t(offset + known)
    // Safe: As many bytes as are read were appended to the buffer before.
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe pread(descriptor, bytes.baseAddress?.advanced(by: known), wanted, place)
    }
    buffer.removeLast(wanted - max(count, 0))
    if count < 0 { throw InputError(path: path, reason: systemReason(errno)) }
    return count > 0
  }
}
