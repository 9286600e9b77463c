/// Cuts a file into parts, has threads sift them, and hands them on in the order of the file.
///
/// A plain file is cut anywhere, a compressed one between frames. No more parts are in the making than there are
/// threads, and a few for those that are quick: memory does not grow with the file.
final class PartSifter: @unchecked Sendable {
  /// Bytes of a plain part. A part of a compressed file is a frame, or as many small ones as have this many
  /// compressed bytes.
  private static var plainPart: Int { 2 << 20 }
  private static var compressedPart: Int { 64 << 10 }

  private let file: OpenFile
  private let size: Int
  private let compression: Compression
  private let limits: ReadingLimits
  private let mapping: FileMapping?
  private let ahead: Int
  private var threads: [WorkerThread] = []
  private let monitor = Monitor()

  // Guarded by the monitor.
  private var place: Int
  private var dealt = 0
  private var taken = 0
  private var finished: [Int: SiftedPart] = [:]
  private var isStopped = false

  /// Sifts what lies behind `place`, where a frame begins if the file is compressed; plain files where they are mapped.
  init(
    _ file: OpenFile, size: Int, compression: Compression, mapping: FileMapping?, from place: Int, jobs: Int,
    limits: ReadingLimits,
    with sifter: @escaping @Sendable () -> some LineSifter
  ) {
    self.file = file
    self.size = size
    self.compression = compression
    self.mapping = mapping
    self.place = place
    self.limits = limits
    ahead = jobs + 2
    for _ in 0..<jobs {
      // The threads are joined before the sifter goes.
      guard let thread = WorkerThread({ [unowned self] in self.work(with: sifter) }) else { break }
      threads.append(thread)
    }
  }

  /// Whether there are threads at all; without one the parts have to be read by the caller.
  var hasThreads: Bool { !threads.isEmpty }

  /// The next part; `nil` behind the last. Wait for it on one thread only.
  func next() -> SiftedPart? {
    monitor.locked {
      while finished[taken] == nil {
        if place >= size, taken == dealt { return nil }
        monitor.wait()
      }
      let part = finished.removeValue(forKey: taken)
      taken += 1
      monitor.wakeAll()
      return part
    }
  }

  /// Ends the threads; call before letting go.
  func stop() {
    monitor.locked {
      isStopped = true
      monitor.wakeAll()
    }
    for thread in threads { thread.join() }
    threads = []
  }

  private func work(with sifter: () -> some LineSifter) {
    let workspace = Workspace()
    while let (index, range) = deal() {
      let source = ByteFeed(
        ByteSource(file, range: range, compression: compression, limits: limits, in: workspace), ahead: false)
      let lines =
        if let mapping {
          LineReader(mapping, range, then: source, isLast: false, in: workspace)
        } else {
          LineReader(source, isLast: false, in: workspace)
        }
      let part = SiftedPart(lines, range: range, with: sifter())
      monitor.locked {
        finished[index] = part
        monitor.wakeAll()
      }
    }
  }

  private func deal() -> (Int, Range<Int>)? {
    monitor.locked {
      while !isStopped, place < size, dealt >= taken + ahead { monitor.wait() }
      guard !isStopped, place < size else { return nil }
      let range = place..<Self.end(of: place, in: file, size: size, compression)
      place = range.upperBound
      dealt += 1
      return (dealt - 1, range)
    }
  }

  /// Where the part that begins at `place` ends. Where no frame can be told, it is the rest of the file.
  static func end(of place: Int, in file: OpenFile, size: Int, _ compression: Compression) -> Int {
    guard compression == .zstd else { return min(size, place + plainPart) }
    var end = place
    while end < size, end - place < compressedPart {
      guard let next = ZstdFrame.end(of: end, in: file, size: size) else { return size }
      end = next
    }
    return end
  }
}
