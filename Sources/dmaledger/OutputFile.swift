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
  let path: String
  private let descriptor: Int32
  /// The name it has until it is complete.
  private let draft: String?
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

  private init(path: String, descriptor: Int32, draft: String?) {
    self.path = path
    self.descriptor = descriptor
    self.draft = draft
  }

  /// Opens a file that replaces what is at the path, in the end.
  init(replacing path: String) throws(Standard.WriteError) {
    var status = stat()
    if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Standard.failure(path) }
      self.init(path: path, descriptor: descriptor, draft: nil)
      return
    }
    // Two runs that write to one path must not write into one draft.
    while true {
      let draft = "\(path).\(String(UInt32.random(in: 0...UInt32.max), radix: 36)).part"
      let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      if descriptor >= 0 {
        DraftCleaner.watch(draft)
        self.init(path: path, descriptor: descriptor, draft: draft)
        return
      }
      if errno != EEXIST { throw Standard.failure(path) }
    }
  }

  /// Opens a file to add to what is in it, as GitHub wants it done with the summary of a step.
  init(appendingTo path: String) throws(Standard.WriteError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Standard.failure(path) }
    self.init(path: path, descriptor: descriptor, draft: nil)
  }

  /// Bytes in the file before anything is written by this run.
  var size: Int {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

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
      guard unsafe rename(draft, path) == 0 else { throw Standard.failure(path) }
      DraftCleaner.forget(draft)
    }
  }

  /// Nothing of it shall be seen.
  func discard() {
    if descriptor > STDERR_FILENO, !isClosed { close(descriptor) }
    if let draft {
      unsafe unlink(draft)
      DraftCleaner.forget(draft)
    }
  }

  private mutating func flush() throws(Standard.WriteError) {
    defer { buffer.removeAll(keepingCapacity: true) }
    if !buffer.isEmpty { try Standard.put(ZstdPacking.packed(buffer, for: path), descriptor, path) }
  }
}
