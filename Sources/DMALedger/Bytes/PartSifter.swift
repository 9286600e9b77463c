/// Cuts a file into parts, sifts them in several threads, and hands them on in the order of the file. Whoever takes them is
/// one of these threads: it sifts a part while the next is not ready, so that no thread more than there may be disturbs
/// the others.
///
/// A plain file is cut anywhere, a compressed one between frames. No more parts are in the making than there are
/// threads, and a few for those that are quick: memory does not grow with the file.
final class PartSifter: @unchecked Sendable {
  /// Bytes of a plain part. Letting go of a part interrupts the other processors, so it is large where there are two, and
  /// smaller where many threads have one each in sight.
  static func plainPart(jobs: Int) -> Int { max(8, min(64, 128 / jobs)) * (64 << 10) }
  /// A part of a compressed file is a frame, or as many small ones as have this many compressed bytes.
  private static var compressedPart: Int { 64 << 10 }

  private let file: OpenFile
  private let size: Int
  private let compression: Compression
  private let limits: ReadingLimits
  private let mapping: FileMapping?
  private let jobs: Int
  private let sift: @Sendable (PartSifter, Range<Int>, Workspace) -> SiftedPart
  private var threads: [WorkerThread] = []
  private let monitor = Monitor()
  /// Of whoever takes the parts.
  private lazy var workspace = Workspace()
  /// Before this place in the file nothing is left in sight.
  private var left: Int

  // Guarded by the monitor.
  private var place: Int
  private var dealt = 0
  private var taken = 0
  private var finished: [Int: SiftedPart] = [:]
  private var isStopped = false

  /// Sifts what lies behind `place`, where a frame begins if the file is compressed; plain files where they are mapped.
  /// With whoever takes the parts, `jobs` threads sift.
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
    left = place
    self.limits = limits
    self.jobs = max(1, jobs)
    sift = { $0.part($1, in: $2, with: sifter()) }
    for _ in 1..<self.jobs {
      // The threads are joined before the sifter goes.
      guard let thread = WorkerThread({ [unowned self] in self.work() }) else { break }
      threads.append(thread)
    }
  }

  /// How many parts may be in the making, or ready.
  private var ahead: Int { jobs + 2 }

  /// A part to be sifted, and its place in the order.
  private typealias Deal = (index: Int, range: Range<Int>)

  /// The next part; `nil` behind the last. Ask on one thread only.
  func next() -> SiftedPart? {
    while true {
      let (part, deal): (SiftedPart?, Deal?) = monitor.locked {
        while true {
          if let part = finished.removeValue(forKey: taken) {
            taken += 1
            monitor.wakeAll()
            return (part, nil)
          }
          if let deal = dealt < taken + ahead ? nextDeal() : nil { return (nil, deal) }
          if taken == dealt { return (nil, nil) }
          monitor.wait()
        }
      }
      guard let deal else {
        if let part { dropLeft(before: part.range.upperBound) }
        return part
      }
      keep(sift(self, deal.range, workspace), deal.index)
    }
  }

  /// Lets go of what is left of the parts before `end`, of which the last is taken now: who sifts a part looks at the first
  /// bytes of the next, perhaps behind the one who sifted that and let go of it. From here on nobody does. Not for each part,
  /// because each time the other processors are interrupted.
  private func dropLeft(before end: Int) {
    guard end - left >= 8 * Self.plainPart(jobs: jobs) else { return }
    mapping?.drop(from: left, to: end)
    left = end
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

  private func work() {
    let workspace = Workspace()
    while let deal = deal() { keep(sift(self, deal.range, workspace), deal.index) }
  }

  private func part(_ range: Range<Int>, in workspace: Workspace, with sifter: consuming some LineSifter)
    -> SiftedPart
  {
    let source = ByteFeed(
      ByteSource(file, range: range, compression: compression, limits: limits, in: workspace), ahead: false)
    let lines =
      if let mapping {
        LineReader(mapping, range, then: source, isLast: false, in: workspace)
      } else {
        LineReader(source, isLast: false, in: workspace)
      }
    return SiftedPart(lines, range: range, with: sifter)
  }

  private func keep(_ part: SiftedPart, _ index: Int) {
    monitor.locked {
      finished[index] = part
      monitor.wakeAll()
    }
  }

  /// Waits for its turn, unless there is nothing left.
  private func deal() -> Deal? {
    monitor.locked {
      while !isStopped, place < size, dealt >= taken + ahead { monitor.wait() }
      return nextDeal()
    }
  }

  /// Call with the lock held.
  private func nextDeal() -> Deal? {
    guard !isStopped, place < size else { return nil }
    let range = place..<Self.end(of: place, in: file, size: size, compression, jobs: jobs)
    place = range.upperBound
    dealt += 1
    return (dealt - 1, range)
  }

  /// Where the part that begins at `place` ends. Where no frame can be told, it is the rest of the file.
  static func end(of place: Int, in file: OpenFile, size: Int, _ compression: Compression, jobs: Int) -> Int {
    guard compression == .zstd else { return min(size, place + plainPart(jobs: jobs)) }
    var end = place
    while end < size, end - place < compressedPart {
      guard let next = ZstdFrame.end(of: end, in: file, size: size) else { return size }
      end = next
    }
    return end
  }
}
