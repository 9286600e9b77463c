import CZstd

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How a source is packed, told by its first bytes and never by its name.
package enum Compression: String, Sendable {
  case none
  case zstd
}

/// The bytes of one file, pipe, standard input or block of memory, decompressed.
///
/// Contract: `fill` gives the next bytes in order and 0 at the end; damage ends the bytes early and is left in
/// `issue`. Files are read with `read(2)`: a mapping of a file that shrinks would kill the process.
package struct ByteSource: ~Copyable {
  package let path: String
  package private(set) var compression = Compression.none
  /// What ended the bytes early, if anything did.
  package private(set) var issue: InputIssue?

  /// -1 where the bytes are all in `input` from the start.
  private let descriptor: CInt
  private let ownsDescriptor: Bool
  private var isSniffed = false
  private var isAtEnd = false
  /// Bytes read from the descriptor so far: the place on disk of the end of `input`.
  private var bytesRead = 0
  private var input: [UInt8]
  private var inputStart = 0
  private var inputEnd = 0
  private var decoder: ZstdStream?

  /// Opens a path; `-` is standard input.
  package init(path: String) throws(InputError) {
    let opened = try Self.openForReading(path)
    self.path = path
    descriptor = opened
    ownsDescriptor = path != "-"
    input = [UInt8](repeating: 0, count: 128 << 10)
  }

  /// Bytes that are already in memory, under the name that reports shall give them.
  package init(bytes: [UInt8], name: String) {
    path = name
    descriptor = -1
    ownsDescriptor = false
    input = bytes
    inputEnd = bytes.count
    bytesRead = bytes.count
  }

  private static func openForReading(_ path: String) throws(InputError) -> CInt {
    if path == "-" { return STDIN_FILENO }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw InputError(path: path, reason: systemReason(errno)) }
    var status = stat()
    if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      close(descriptor)
      throw InputError(path: path, reason: "is a directory; name the capture inside it")
    }
    return descriptor
  }

  deinit {
    if ownsDescriptor { close(descriptor) }
  }

  /// Puts up to `room.count` bytes into `room` and says how many; 0 is the end.
  package mutating func fill(_ room: UnsafeMutableRawBufferPointer) -> Int {
    if !isSniffed { sniff() }
    if unsafe isAtEnd || room.isEmpty { return 0 }
    return switch compression {
    case .none: unsafe fillPlain(room)
    case .zstd: unsafe fillFromFrames(room)
    }
  }

  /// Looks at the first four bytes: a zstd frame, a skippable frame, or anything else.
  private mutating func sniff() {
    isSniffed = true
    while inputEnd < 4, readMore() {}
    if inputEnd >= 4, isFrameMagic(at: 0) {
      compression = .zstd
      decoder = ZstdStream()
    }
  }

  private func isFrameMagic(at index: Int) -> Bool {
    let magic =
      UInt32(input[index]) | UInt32(input[index + 1]) << 8 | UInt32(input[index + 2]) << 16
      | UInt32(input[index + 3]) << 24
    return magic == 0xFD2F_B528 || magic & 0xFFFF_FFF0 == 0x184D_2A50
  }

  private mutating func fillPlain(_ room: UnsafeMutableRawBufferPointer) -> Int {
    if inputStart < inputEnd {
      let count = min(room.count, inputEnd - inputStart)
      unsafe input.withUnsafeBytes { bytes in
        unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[inputStart..<inputStart + count]))
      }
      inputStart += count
      return count
    }
    let count = unsafe readRaw(room)
    if count == 0 { isAtEnd = true }
    return count
  }

  private mutating func fillFromFrames(_ room: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      if inputStart == inputEnd {
        inputStart = 0
        inputEnd = 0
        if !readMore() {
          isAtEnd = true
          if decoder?.isInsideFrame == true, issue == nil {
            issue = InputIssue(kind: .truncatedFrame, offset: bytesRead)
          }
          return 0
        }
      }
      // libzstd reports bytes behind a frame that are no frame as an unknown prefix: say so in the user's words.
      if decoder?.isInsideFrame == false {
        while inputEnd - inputStart < 4, compactAndReadMore() {}
        if inputEnd - inputStart < 4 || !isFrameMagic(at: inputStart) {
          return stop(.trailingBytes, detail: "")
        }
      }
      let step = unsafe input.withUnsafeBytes { bytes in
        unsafe decoder?.decode(
          UnsafeRawBufferPointer(rebasing: bytes[inputStart..<inputEnd]), into: room)
      }
      guard let step else { return 0 }
      inputStart += step.consumed
      if let reason = step.failure {
        _ = stop(.damagedFrame, detail: reason)
        return step.produced
      }
      if step.produced > 0 { return step.produced }
    }
  }

  private mutating func stop(_ kind: InputIssue.Kind, detail: String) -> Int {
    isAtEnd = true
    issue = InputIssue(kind: kind, offset: bytesRead - (inputEnd - inputStart), detail: detail)
    return 0
  }

  private mutating func compactAndReadMore() -> Bool {
    let left = inputEnd - inputStart
    for index in 0..<left { input[index] = input[inputStart + index] }
    inputStart = 0
    inputEnd = left
    return readMore()
  }

  /// Appends to `input`; false at the end of the file.
  private mutating func readMore() -> Bool {
    if descriptor < 0 { return false }
    let room = inputEnd
    let count = unsafe input.withUnsafeMutableBytes { bytes in
      let free = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[room...])
      return unsafe readDescriptor(descriptor, free)
    }
    return account(count) > 0
  }

  private mutating func readRaw(_ room: UnsafeMutableRawBufferPointer) -> Int {
    descriptor < 0 ? 0 : account(unsafe readDescriptor(descriptor, room), intoInput: false)
  }

  private mutating func account(_ count: Int, intoInput: Bool = true) -> Int {
    if count < 0 {
      issue = InputIssue(kind: .readFailed, offset: bytesRead, detail: systemReason(errno))
      return 0
    }
    bytesRead += count
    if intoInput { inputEnd += count }
    return count
  }
}

/// `read(2)` that is not disturbed by signals; negative on error.
private func readDescriptor(_ descriptor: CInt, _ room: UnsafeMutableRawBufferPointer) -> Int {
  while true {
    let count = unsafe read(descriptor, room.baseAddress, room.count)
    if count >= 0 || errno != EINTR { return count }
  }
}

/// The operating system's words for an errno.
package func systemReason(_ code: CInt) -> String {
  unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
