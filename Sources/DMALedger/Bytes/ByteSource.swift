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
/// `issue`.
package struct ByteSource: ~Copyable {
  package let path: String
  package private(set) var compression = Compression.none
  /// What ended the bytes early, if anything did.
  package private(set) var issue: InputIssue?
  /// Sees every byte that `fill` gives; nothing is hashed where it is absent.
  package var contentHash: ContentHash?

  /// `nil` where the bytes are all in `input` from the start.
  private let file: OpenFile?
  /// The part of the file that is read, where it is not all of it: from here on …
  private var position: Int?
  /// … to here.
  private var limit = 0
  /// Decompressed bytes to leave out at the beginning.
  private var skipped = 0
  private var isSniffed = false
  private var isAtEnd = false
  /// Bytes read from the descriptor so far: the place on disk of the end of `input`.
  private var bytesRead = 0
  private var input: [UInt8]
  private var inputStart = 0
  private var inputEnd = 0
  private var decoder: ZstdStream?
  private let workspace: Workspace
  /// What the frames need to look back at.
  private var window: WindowMemory.Share
  /// Decompressed bytes that may still be given.
  private var allowance: Int

  /// Opens a path; `-` is standard input.
  package init(path: PathName, onlyFile: Bool = false) throws(InputError) {
    self.init(try OpenFile(path: path, onlyFile: onlyFile))
  }

  /// All of an open file.
  init(_ file: OpenFile, limits: ReadingLimits = ReadingLimits(), in workspace: Workspace = Workspace()) {
    path = file.path
    self.file = file
    self.workspace = workspace
    window = WindowMemory.Share(of: limits.windows)
    allowance = limits.mostBytes ?? .max
    input = workspace.takeInput()
  }

  /// A part of an open file that can be read from any place: `range` in the file, without the first `skipped` bytes
  /// of what it holds when decompressed. Only files that are read to their end are read in parts.
  init(
    _ file: OpenFile, range: Range<Int>, compression: Compression, skipping skipped: Int = 0,
    limits: ReadingLimits, in workspace: Workspace = Workspace()
  ) {
    self.workspace = workspace
    window = WindowMemory.Share(of: limits.windows)
    allowance = .max
    path = file.path
    self.file = file
    self.compression = compression
    position = range.lowerBound
    limit = range.upperBound
    bytesRead = range.lowerBound
    isSniffed = true
    input = []
    if compression == .zstd {
      input = workspace.takeInput()
      decoder = ZstdStream(in: workspace)
      self.skipped = skipped
    } else {
      position = range.lowerBound + skipped
      bytesRead += skipped
    }
  }

  /// Bytes that are already in memory, under the name that reports shall give them.
  package init(bytes: [UInt8], name: String) {
    self.init(bytes: bytes, name: name, limits: ReadingLimits())
  }

  init(bytes: [UInt8], name: String, limits: ReadingLimits) {
    path = name
    file = nil
    workspace = Workspace()
    window = WindowMemory.Share(of: limits.windows)
    allowance = limits.mostBytes ?? .max
    input = bytes
    inputEnd = bytes.count
    bytesRead = bytes.count
  }

  /// Goes on at `place` in a plain file that can be read from any place.
  mutating func move(to place: Int) {
    position = place
    bytesRead = place
  }

  deinit {
    if window.size > Workspace.keptWindow { workspace.dropDecoder() }
    if file != nil { workspace.giveBack(input) }
  }

  /// Whether its bytes may come in small portions, with pauses in between.
  var isSlow: Bool { file != nil && file?.size == nil }

  /// Looks how the source is packed, if that is not known yet.
  mutating func recognise() -> Compression {
    if !isSniffed { sniff() }
    return compression
  }

  /// Puts up to `room.count` bytes into `room` and says how many; 0 is the end.
  package mutating func fill(_ room: UnsafeMutableRawBufferPointer) -> Int {
    // Safe: What was filled is the beginning of the caller's room.
    let count = unsafe fillUnhashed(room)
    unsafe contentHash?.update(UnsafeRawBufferPointer(rebasing: room[..<count]))
    return count
  }

  private mutating func fillUnhashed(_ room: UnsafeMutableRawBufferPointer) -> Int {
    if !isSniffed { sniff() }
    // Safe: Only the caller's room is written, and no more than it holds.
    if unsafe isAtEnd || room.isEmpty { return 0 }
    if allowance == 0 { return stopAtMost() }
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: room.prefix(allowance))
    while true {
      let count = unsafe fillUnlimited(room)
      if isAtEnd { closeWindow() }
      if skipped == 0 || count == 0 {
        allowance -= count
        return count
      }
      let left = min(skipped, count)
      skipped -= left
      if left < count {
        unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: room[left..<count]))
        return count - left
      }
    }
  }

  private mutating func fillUnlimited(_ room: UnsafeMutableRawBufferPointer) -> Int {
    switch compression {
    // Safe: The caller's room is handed on as it is.
    case .none: unsafe fillPlain(room)
    case .zstd: unsafe fillFromFrames(room)
    }
  }

  /// As much was given as may be. Whether anything follows is seen where looking costs nothing; where it may mean to
  /// wait, something does.
  private mutating func stopAtMost() -> Int {
    let offset = bytesRead - (inputEnd - inputStart)
    var next: UInt8 = 0
    // Safe: One byte of our own lends its address for the call.
    let isEnd = unsafe !isSlow && withUnsafeMutableBytes(of: &next) { unsafe fillUnlimited($0) } == 0
    isAtEnd = true
    if !isEnd { issue = InputIssue(kind: .tooManyBytes, offset: offset) }
    closeWindow()
    return 0
  }

  /// The frames are read: others may have the memory.
  private mutating func closeWindow() {
    guard window.size > 0 else { return }
    decoder = nil
    if window.size > Workspace.keptWindow { workspace.dropDecoder() }
    window.giveBack()
  }

  /// Looks at the first bytes: a zstd frame, a skippable frame, what is not read here, or anything else.
  private mutating func sniff() {
    isSniffed = true
    while inputEnd < ForeignFormat.prefix, readMore() {}
    if inputEnd >= 4, isFrameMagic(at: 0) {
      compression = .zstd
      decoder = ZstdStream(in: workspace)
    } else if let format = ForeignFormat(input.span.extracting(0..<inputEnd)) {
      hashUnread()
      inputStart = inputEnd
      _ = stop(.foreign(format), behind: bytesRead)
    }
  }

  /// What is not read tells files apart all the same.
  private mutating func hashUnread() {
    guard contentHash != nil else { return }
    repeat {
      // Safe: The input is borrowed for the call; it is filled up to `inputEnd`.
      unsafe input.withUnsafeBytes { bytes in
        unsafe contentHash?.update(UnsafeRawBufferPointer(rebasing: bytes[..<inputEnd]))
      }
      allowance -= min(allowance, inputEnd)
      inputEnd = 0
    } while allowance > 0 && readMore()
  }

  private func isFrameMagic(at index: Int) -> Bool {
    ZstdFrame.isMagic(
      UInt32(input[index]) | UInt32(input[index + 1]) << 8 | UInt32(input[index + 2]) << 16
        | UInt32(input[index + 3]) << 24)
  }

  private mutating func fillPlain(_ room: UnsafeMutableRawBufferPointer) -> Int {
    if inputStart < inputEnd {
      let count = min(room.count, inputEnd - inputStart)
      // Safe: The count is the smaller of the room and of what is between the two ends of the input.
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
          return stop(.trailingBytes)
        }
        if !admitFrame() { return 0 }
      }
      // Safe: The input is borrowed for the call; what is between its two ends is in it.
      let step = unsafe input.withUnsafeBytes { bytes in
        unsafe decoder?.decode(
          UnsafeRawBufferPointer(rebasing: bytes[inputStart..<inputEnd]), into: room)
      }
      guard let step else { return 0 }
      if let reason = step.failure {
        _ = stop(
          step.isMisread ? .wrongChecksum : .damagedFrame, detail: reason, behind: decoder?.begun ?? 0)
        return step.produced
      }
      inputStart += step.consumed
      if step.produced > 0 { return step.produced }
    }
  }

  /// Takes the memory that the frame at `inputStart` needs; false where that is more than there may be.
  private mutating func admitFrame() -> Bool {
    var wanted = ZstdFrame.window(input.span.extracting(inputStart..<inputEnd))
    while wanted == .unknown, compactAndReadMore() {
      wanted = ZstdFrame.window(input.span.extracting(0..<inputEnd))
    }
    // What is cut off in its header cannot be decoded, and libzstd takes no memory for it.
    guard case .bytes(let size) = wanted, size > window.size else { return true }
    if size > window.limit || size > ZstdStream.largestWindow {
      _ = stop(.windowTooLarge(size, limit: window.limit))
      return false
    }
    decoder = nil
    if window.size > 0 { workspace.dropDecoder() }
    window.exchange(for: size)
    decoder = ZstdStream(in: workspace)
    return true
  }

  /// `begun`: bytes in front of `input` that belong to what is damaged.
  private mutating func stop(_ kind: InputIssue.Kind, detail: String = "", behind begun: Int = 0) -> Int {
    isAtEnd = true
    issue = InputIssue(kind: kind, offset: bytesRead - (inputEnd - inputStart) - begun, detail: detail)
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
    guard let file else { return false }
    let place = position.map { ($0, limit) }
    let room = inputEnd
    // Safe: The room behind `inputEnd` is the input's own, borrowed for the call.
    let count = unsafe input.withUnsafeMutableBytes { bytes in
      unsafe file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[room...]), at: place)
    }
    return account(count) > 0
  }

  private mutating func readRaw(_ room: UnsafeMutableRawBufferPointer) -> Int {
    guard let file else { return 0 }
    // Safe: The caller's room is handed on as it is.
    return account(unsafe file.read(into: room, at: position.map { ($0, limit) }), intoInput: false)
  }

  private mutating func account(_ count: Int, intoInput: Bool = true) -> Int {
    if count < 0 {
      issue = InputIssue(kind: .readFailed, offset: bytesRead, detail: systemReason(errno))
      return 0
    }
    bytesRead += count
    if let place = position { position = place + count }
    if intoInput { inputEnd += count }
    return count
  }
}
