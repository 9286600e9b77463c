import DMALedger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Removes the drafts of output files when a signal ends the run, and when it ends in an error: a job that is cancelled
/// leaves nothing behind.
enum DraftCleaner {
  /// As many drafts as can be open at once; fixed, because a signal handler may neither allocate nor lock.
  private static let capacity = 32
  // Safe: Only the main thread changes the slots, whole pointers at a time; a handler reads them.
  private nonisolated(unsafe) static let drafts: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = {
    let slots = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: capacity)
    unsafe slots.initialize(repeating: nil, count: capacity)
    for number in [SIGHUP, SIGINT, SIGTERM] {
      // Whoever had it ignored, `nohup` for one, wants it ignored.
      if unsafe unsafeBitCast(signal(number, removeAll), to: Int.self) == ignored { signal(number, SIG_IGN) }
    }
    return unsafe slots
  }()

  // Safe: A function and a number of the same size, as `signal` gives them; compared, never called.
  private static let ignored = unsafe unsafeBitCast(SIG_IGN, to: Int.self)

  private static let removeAll: @convention(c) (Int32) -> Void = { number in
    for slot in 0..<capacity {
      // Safe: A slot is empty or holds a C string of ours; unlink may be called in a handler.
      if let path = unsafe drafts[slot] { unsafe unlink(path) }
    }
    // Ends the run as the signal would have.
    signal(number, SIG_DFL)
    raise(number)
  }

  /// From now on a signal removes this file.
  static func watch(_ path: PathName) {
    // Safe: A copy that stays until it is forgotten, in a slot that is free.
    guard let slot = (0..<capacity).first(where: { unsafe drafts[$0] == nil }) else { return }
    unsafe drafts[slot] = path.withSystemPath { unsafe strdup($0) } ?? nil
  }

  /// The file has taken its place, or is to stay.
  static func forget(_ path: PathName) {
    for slot in 0..<capacity {
      // Safe: Out of its slot before it is freed.
      guard let known = unsafe drafts[slot], unsafe PathName(system: known) == path else { continue }
      unsafe drafts[slot] = nil
      unsafe free(known)
    }
  }

  /// The file shall not be seen.
  static func remove(_ path: PathName) {
    // Safe: A C string that lives as long as the call.
    _ = unsafe path.withSystemPath { unsafe unlink($0) }
    forget(path)
  }

  /// The run ends: what is a draft still will never be more.
  static func removeLeftovers() {
    for slot in 0..<capacity {
      // Safe: A slot is empty or holds a C string of ours.
      if let path = unsafe drafts[slot] { unsafe unlink(path) }
    }
  }
}
