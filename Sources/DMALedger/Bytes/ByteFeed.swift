// Safe: throughout this file. `room` has all blocks from start to `finish`; the thread fills one while the caller empties another, as the monitor counts them.

/// The bytes of a source in order, on wish fetched and decompressed by a thread of its own while those before them
/// are looked at.
@safe final class ByteFeed: @unchecked Sendable {
  private static let blocks = 4
  private static let blockSize = 256 << 10

  let path: String
  /// With a thread, only that one touches it between start and end.
  private var source: ByteSource
  private var thread: WorkerThread?
  private let monitor = Monitor()
  private let room: UnsafeMutablePointer<UInt8>?

  // Guarded by the monitor.
  private var counts = [Int](repeating: 0, count: ByteFeed.blocks)
  private var filled = 0
  private var emptied = 0
  private var isAtEnd = false
  private var isAbandoned = false

  /// How far the block that is being emptied has been read.
  private var taken = 0

  init(_ source: consuming ByteSource, ahead: Bool) {
    path = source.path
    self.source = source
    unsafe room = ahead ? ByteFeed.allocate() : nil
    guard ahead else { return }
    // The thread holds the feed only as long as it runs, and it runs no longer than `finish` lets it.
    thread = WorkerThread { [unowned self] in self.fillBlocks() }
  }

  deinit {
    finish()
    unsafe room?.deallocate()
  }

  /// Room for the blocks, not at the beginning of a page: see ``Workspace/page``.
  private static func allocate() -> UnsafeMutablePointer<UInt8> {
    let room = UnsafeMutableRawPointer.allocate(
      byteCount: lead + blocks * blockSize, alignment: Workspace.page)
    return unsafe room.assumingMemoryBound(to: UInt8.self)
  }

  private static let lead = Workspace.page / 4

  /// Goes on at `place` in a plain file; only where nothing is fetched ahead.
  func move(to place: Int) {
    source.move(to: place)
  }

  /// Puts up to `target.count` bytes into `target` and says how many; 0 is the end.
  func fill(_ target: UnsafeMutableRawBufferPointer) -> Int {
    guard thread != nil, let room = unsafe room else { return unsafe source.fill(target) }
    let (block, count) = monitor.locked {
      while filled == emptied, !isAtEnd { monitor.wait() }
      return filled == emptied ? (0, 0) : (emptied % ByteFeed.blocks, counts[emptied % ByteFeed.blocks])
    }
    if count == 0 {
      finish()
      return 0
    }
    let part = min(count - taken, target.count)
    let start = unsafe room + ByteFeed.lead + block * ByteFeed.blockSize + taken
    unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: start, count: part))
    taken += part
    if taken == count {
      taken = 0
      monitor.locked {
        emptied += 1
        monitor.wakeAll()
      }
    }
    return part
  }

  private func fillBlocks() {
    guard let room = unsafe room else { return }
    while true {
      let block: Int? = monitor.locked {
        while filled - emptied == ByteFeed.blocks, !isAbandoned { monitor.wait() }
        return isAbandoned ? nil : filled % ByteFeed.blocks
      }
      guard let block else { return }
      let start = unsafe room + ByteFeed.lead + block * ByteFeed.blockSize
      var count = 0
      while count < ByteFeed.blockSize {
        let rest = unsafe UnsafeMutableRawBufferPointer(
          start: start + count, count: ByteFeed.blockSize - count)
        let more = unsafe source.fill(rest)
        if more == 0 { break }
        count += more
        // A pipe that is written to slowly is read as it comes.
        if source.isSlow { break }
      }
      monitor.locked {
        counts[block] = count
        if count > 0 { filled += 1 } else { isAtEnd = true }
        monitor.wakeAll()
      }
      if count == 0 { return }
    }
  }

  /// Ends the thread, wherever it is.
  private func finish() {
    guard let thread else { return }
    monitor.locked {
      isAbandoned = true
      monitor.wakeAll()
    }
    thread.join()
    self.thread = nil
  }

  // MARK: - What is known behind the end

  var compression: Compression { source.compression }
  var issue: InputIssue? { source.issue }
  var contentHash: ContentHash? { source.contentHash }
}
