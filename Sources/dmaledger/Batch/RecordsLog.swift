import CZstd
import DMALedger
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The records of a run on their way to a file: only ever appended to, under the name `FILE.part` until the run is
/// over, so that a run that was killed can go on where it was.
///
/// Compressed records are frames of whole captures. Where a frame ends depends on the captures alone, so that a run
/// that went on gives the bytes of one that was never interrupted.
struct RecordsLog {
  /// A frame, or a piece of a plain file, ends behind so many bytes of records …
  private static let blockSize = 256 << 10
  /// … or so many bytes of captures, because those are what a killed run has to read again.
  private static let blockInput = 256 << 20

  let path: String
  /// Names of the captures that are in the file already.
  private(set) var names: Set<String> = []
  private let draft: String
  private let descriptor: Int32
  private var pending: [UInt8] = []
  private var pendingInput = 0

  private var isCompressed: Bool { ZstdPacking.isWanted(for: path) }

  /// Opens the records at a path, `-` for standard output. With `resumes` what an earlier run has written is kept
  /// up to its last whole capture.
  init(path: String, resumes: Bool) throws {
    self.path = path
    signal(SIGPIPE, SIG_IGN)
    guard path != "-" else {
      draft = path
      descriptor = STDOUT_FILENO
      return
    }
    draft = path + ".part"
    let isComplete = unsafe resumes && access(draft, F_OK) != 0 && access(path, F_OK) == 0
    if isComplete, unsafe rename(path, draft) != 0 { throw Standard.failure(path) }
    descriptor = unsafe open(draft, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Standard.failure(path) }
    do {
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        throw Standard.WriteError(path: draft, reason: "another run is writing it")
      }
      let size = resumes ? try recover() : 0
      guard ftruncate(descriptor, off_t(size)) == 0, lseek(descriptor, off_t(size), SEEK_SET) >= 0 else {
        throw Standard.failure(draft)
      }
    } catch {
      close(descriptor)
      // Nothing of ours was found in it: as it was.
      if isComplete { unsafe rename(draft, path) }
      throw error
    }
  }

  /// Hands on what an earlier run has written.
  func forEachRecovered(_ body: (CaptureRecord) throws(InputError) -> Void) throws(InputError) {
    if !names.isEmpty { try RecordsFile.forEach(at: draft, body) }
  }

  /// Appends the records of one capture; `input` is the size of what they were made from.
  mutating func add(_ records: [UInt8], input: Int) throws(Standard.WriteError) {
    pending += records
    pendingInput += input
    if pending.count >= Self.blockSize || pendingInput >= Self.blockInput { try flush() }
  }

  /// Everything is written: the file takes its name.
  mutating func finish() throws(Standard.WriteError) {
    try flush()
    guard descriptor > STDERR_FILENO else { return }
    guard close(descriptor) == 0, unsafe rename(draft, path) == 0 else { throw Standard.failure(path) }
  }

  private mutating func flush() throws(Standard.WriteError) {
    // An empty file of frames is a frame all the same: zstd refuses a file of no bytes.
    if !pending.isEmpty || isCompressed && size == 0 {
      try Standard.put(isCompressed ? ZstdPacking.frame(pending) : pending, descriptor, path)
    }
    pending.removeAll(keepingCapacity: true)
    pendingInput = 0
  }

  private var size: Int {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  // MARK: - Going on

  /// The size up to which the draft is whole; notes the names of the captures in it.
  private mutating func recover() throws(InputError) -> Int {
    isCompressed ? try recoverFrames() : try recoverLines()
  }

  private mutating func recoverLines() throws(InputError) -> Int {
    var reader = RecordsReader(skipsChanges: true)
    var names: Set<String> = []
    try WholeFile.eachBlock(of: draft) { block throws(InputError) in
      try RecordsFile.feed(block, to: &reader, draft) { names.insert($0.name) }
    }
    self.names = names
    return reader.completeBytes
  }

  /// A frame at a time: one that is cut off is dropped, and with it captures that go on in it.
  private mutating func recoverFrames() throws(InputError) -> Int {
    var reader = RecordsReader(skipsChanges: true)
    var frames = ZstdFrameReader(descriptor: descriptor, path: draft)
    var names: Set<String> = []
    var found: [String] = []
    var fed = 0
    var whole = 0
    while let content = try frames.next() {
      fed += content.count
      try RecordsFile.feed(content.span, to: &reader, draft) { found.append($0.name) }
      guard reader.completeBytes == fed else { continue }
      names.formUnion(found)
      found = []
      whole = frames.offset
    }
    self.names = names
    return whole
  }
}
