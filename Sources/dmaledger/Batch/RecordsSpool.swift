import DMALedger
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `O_TMPFILE`, a macro that Swift does not see.
private let temporaryFile: Int32 = 0o20_000_000 | O_DIRECTORY

/// Captures put aside on disk until all have come, to be given out in the order of names and ids, each once.
///
/// Memory holds their names only. The file has no name and goes with the process.
struct RecordsSpool: ~Copyable {
  private struct Entry {
    var name: String
    var id: String
    var hash: ContentHash.Value
    var offset: Int
    var size: Int
  }

  private var entries: [Entry] = []
  private var end = 0
  private let descriptor: Int32
  private let folder: String
  private let writer: JSONLinesReport

  init(writer: JSONLinesReport) throws(Standard.WriteError) {
    self.writer = writer
    let folder = Surroundings.path(of: "TMPDIR") ?? PathName("/tmp")
    self.folder = folder.name
    // Without a name from the start, so that no end of the run can leave it behind; some file systems cannot do that.
    var opened = folder.opened(O_RDWR | temporaryFile | O_CLOEXEC)
    if opened < 0, errno == EOPNOTSUPP || errno == EISDIR {
      let place = folder + "/dmaledger.\(getpid()).part"
      opened = place.opened(O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC)
      if opened >= 0 { DraftCleaner.remove(place) }
    }
    descriptor = opened
    guard descriptor >= 0 else { throw Standard.failure("TMPDIR (\(folder.name))") }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Puts a capture aside.
  mutating func add(_ capture: CaptureRecord) throws(Standard.WriteError) {
    let records = writer.records(of: capture)
    var hash = ContentHash()
    // Safe: The records are borrowed for the call.
    unsafe records.withUnsafeBytes { unsafe hash.update($0) }
    let frame = ZstdPacking.frame(records)
    try Standard.put(frame, descriptor, "temporary file in TMPDIR (\(folder))")
    entries.append(
      Entry(name: capture.name, id: capture.id, hash: hash.value, offset: end, size: frame.count))
    end += frame.count
  }

  /// Sorts, and drops what is there more than once. Where two records of one capture differ, because other versions or
  /// options made them, the one with the greater hash stays: whatever the order, it is the same one.
  mutating func sort() {
    entries.sort { left, right in
      if !isSame(left.name, right.name) { return isBefore(left.name, right.name) }
      if left.id != right.id { return isBefore(left.id, right.id) }
      return left.hash > right.hash
    }
    var unique: [Entry] = []
    for entry in entries where unique.last.map({ isSame($0.name, entry.name) && $0.id == entry.id }) != true {
      unique.append(entry)
    }
    entries = unique
  }

  var count: Int { entries.count }

  /// A capture by its place, with its records.
  func capture(at index: Int) throws(InputError) -> (capture: CaptureRecord, records: [UInt8]) {
    let entry = entries[index]
    var frame = [UInt8](repeating: 0, count: entry.size)
    // Safe: The frame is borrowed for the call, and no more is read than it holds.
    let count = unsafe frame.withUnsafeMutableBytes { room in
      unsafe pread(descriptor, room.baseAddress, room.count, off_t(entry.offset))
    }
    guard count == entry.size, let records = unsafe frame.withUnsafeBytes(ZstdPacking.content) else {
      throw InputError(path: "temporary file", reason: count < 0 ? systemReason(errno) : "has changed")
    }
    var reader = RecordsReader()
    var found: [CaptureRecord] = []
    try RecordsFile.feed(records.span, to: &reader, "temporary file") { found.append($0) }
    guard let capture = found.first else {
      throw InputError(path: "temporary file", reason: "has changed")
    }
    return (capture, records)
  }
}
