import DMALedger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that appears complete or not at all: it is opened before the work begins, so that a bad path fails early,
/// written under another name, and takes its place in the end.
///
/// Where the name ends in `.zst` it is written as zstd frames. Where it cannot take a place (a pipe, a terminal,
/// `/dev/null`) it is written directly.
struct OutputFile {
  /// What complaints call it.
  let path: String
  private let target: PathName
  private let descriptor: Int32
  /// The name it has until it is complete.
  private let draft: PathName?
  /// What was in a file that is added to, in bytes.
  private let kept: Int?
  private var buffer: [UInt8] = []
  private var isClosed = false
  private static let bufferSize = 1 << 18

  /// Standard output; a reader that has gone away is no error.
  static var standardOutput: OutputFile {
    OutputFile(path: "standard output", descriptor: STDOUT_FILENO, draft: nil)
  }

  static var standardError: OutputFile {
    OutputFile(path: "standard error", descriptor: STDERR_FILENO, draft: nil)
  }

  private init(path: String, descriptor: Int32, draft: PathName?, kept: Int? = nil) {
    self.path = path
    self.descriptor = descriptor
    self.draft = draft
    self.kept = kept
    target = PathName(name: path)
  }

  /// Opens a file that replaces what is at the path, in the end.
  init(replacing path: PathName) throws(Standard.WriteError) {
    if path.isSpecial {
      let descriptor = path.opened(O_WRONLY | O_CLOEXEC | O_NOCTTY)
      guard descriptor >= 0 else { throw Standard.failure(path.name) }
      self.init(path: path.name, descriptor: descriptor, draft: nil)
      return
    }
    // Two runs that write to one path must not write into one draft.
    while true {
      let draft = path.draft(String(UInt32.random(in: 0...UInt32.max), radix: 36))
      let descriptor = draft.opened(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)
      if descriptor >= 0 {
        DraftCleaner.watch(draft)
        self.init(path: path.name, descriptor: descriptor, draft: draft)
        return
      }
      if errno != EEXIST { throw Standard.failure(path.name) }
    }
  }

  /// Opens a file to add to what is in it, as GitHub wants it done with the summary of a step.
  init(appendingTo path: PathName) throws(Standard.WriteError) {
    let descriptor = path.opened(O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw Standard.failure(path.name) }
    var status = stat()
    // Safe: The status is ours and lends its address for the call.
    let isFile = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    self.init(
      path: path.name, descriptor: descriptor, draft: nil, kept: isFile ? Int(status.st_size) : nil)
  }

  /// Bytes in the file before anything is written by this run.
  var size: Int { kept ?? 0 }

  mutating func write(_ bytes: [UInt8]) throws(Standard.WriteError) {
    buffer += bytes
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Everything is written: the file takes its place.
  mutating func finish() throws(Standard.WriteError) {
    try flush()
    guard descriptor > STDERR_FILENO else { return }
    isClosed = true
    guard close(descriptor) == 0 else { throw Standard.failure(path) }
    if let draft {
      guard draft.takesPlace(of: target) else { throw Standard.failure(path) }
      DraftCleaner.forget(draft)
    }
  }

  /// Nothing of it shall be seen.
  func discard() {
    if descriptor > STDERR_FILENO, !isClosed {
      if let kept { ftruncate(descriptor, off_t(kept)) }
      close(descriptor)
    }
    if let draft { DraftCleaner.remove(draft) }
  }

  private mutating func flush() throws(Standard.WriteError) {
    defer { buffer.removeAll(keepingCapacity: true) }
    if !buffer.isEmpty { try Standard.put(ZstdPacking.packed(buffer, for: path), descriptor, path) }
  }
}
