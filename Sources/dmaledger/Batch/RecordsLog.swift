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

  let path: PathName
  /// Names of the captures that are in the file already.
  private(set) var names = NameSet()
  private let draft: PathName
  /// Whether it goes to a pipe, a terminal or a device, which is written to and keeps its place.
  private let isDirect: Bool
  /// Whether a run that ends early leaves behind what it has written, for another one to go on.
  private let isJournal: Bool
  private let descriptor: Int32
  private var pending: [UInt8] = []
  private var pendingInput = 0

  private var isCompressed: Bool { ZstdPacking.isWanted(for: path.name) }

  /// Opens the records at a path, `-` for standard output. With `resumes` what an earlier run has written is kept
  /// up to its last whole capture.
  init(path: PathName, resumes: Bool, isJournal: Bool) throws {
    self.path = path
    self.isJournal = isJournal
    isDirect = path.isStandardStream || path.isSpecial
    guard !isDirect else {
      draft = path
      if resumes {
        throw Standard.WriteError(path: path.name, reason: "is no file: nothing can be resumed there")
      }
      descriptor = path.isStandardStream ? STDOUT_FILENO : path.opened(O_WRONLY | O_CLOEXEC | O_NOCTTY)
      guard descriptor >= 0 else { throw Standard.failure(path.name) }
      return
    }
    draft = path + ".part"
    let isComplete = resumes && !draft.exists && path.exists
    if isComplete, !path.takesPlace(of: draft) { throw Standard.failure(path.name) }
    // The draft's name can be known to others: where they put a link, nothing is written behind it.
    descriptor = draft.opened(O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw Standard.failure(draft.name) }
    do {
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        throw Standard.WriteError(path: draft.name, reason: "another run is writing it")
      }
      let size = resumes ? try recover() : 0
      guard ftruncate(descriptor, off_t(size)) == 0, lseek(descriptor, off_t(size), SEEK_SET) >= 0 else {
        throw Standard.failure(draft.name)
      }
      if size == 0 { DraftCleaner.watch(draft) }
    } catch {
      close(descriptor)
      // Nothing of ours was found in it: as it was.
      if isComplete { _ = draft.takesPlace(of: path) }
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
    pendingInput = pendingInput.clampedSum(input)
    if pending.count >= Self.blockSize || pendingInput >= Self.blockInput { try flush() }
  }

  /// Everything is written: the file takes its name.
  mutating func finish() throws(Standard.WriteError) {
    try flush()
    guard descriptor > STDERR_FILENO else { return }
    if isDirect {
      guard close(descriptor) == 0 else { throw Standard.failure(path.name) }
      return
    }
    guard close(descriptor) == 0, draft.takesPlace(of: path) else { throw Standard.failure(path.name) }
    DraftCleaner.forget(draft)
  }

  private mutating func flush() throws(Standard.WriteError) {
    // An empty file of frames is a frame all the same: zstd refuses a file of no bytes.
    if !pending.isEmpty || isCompressed && size == 0 {
      try Standard.put(isCompressed ? ZstdPacking.frame(pending) : pending, descriptor, path.name)
      if isJournal { DraftCleaner.forget(draft) }
    }
    pending.removeAll(keepingCapacity: true)
    pendingInput = 0
  }

  private var size: Int {
    var status = stat()
    // Safe: The status is ours and lends its address for the call.
    return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  // MARK: - Going on

  /// The size up to which the draft is whole; notes the names of the captures in it.
  private mutating func recover() throws(InputError) -> Int {
    isCompressed ? try recoverFrames() : try recoverLines()
  }

  private mutating func recoverLines() throws(InputError) -> Int {
    var reader = RecordsReader(skipsChanges: true)
    var names = NameSet()
    try WholeFile.eachBlock(of: draft) { block throws(InputError) in
      try RecordsFile.feed(block, to: &reader, draft.name) { names.insert($0.name) }
    }
    self.names = names
    return reader.completeBytes
  }

  /// A frame at a time: one that is cut off is dropped, and with it captures that go on in it.
  private mutating func recoverFrames() throws(InputError) -> Int {
    var reader = RecordsReader(skipsChanges: true)
    var frames = ZstdFrameReader(descriptor: descriptor, path: draft.name)
    var names = NameSet()
    var found: [String] = []
    var fed = 0
    var whole = 0
    while let content = try frames.next() {
      fed += content.count
      try RecordsFile.feed(content.span, to: &reader, draft.name) { found.append($0.name) }
      guard reader.completeBytes == fed else { continue }
      for name in found { names.insert(name) }
      found = []
      whole = frames.offset
    }
    self.names = names
    return whole
  }
}
