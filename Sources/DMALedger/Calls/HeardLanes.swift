/// Lanes that were heard of since the beginning of a capture, or since lines of it are missing, as long as a call that was
/// entered before may still return.
struct HeardLanes: Sendable {
  private var start: Nanoseconds?
  private var lanes: Set<Int> = []
  /// No call from before is open any more.
  private(set) var isOver = false

  /// A line of a lane.
  mutating func hear(_ lane: Int, at time: Nanoseconds?) {
    guard let time, time.isSane else { return }
    let start = start ?? time
    self.start = start
    if time.value - start.value <= OwnershipCall.longestWait, lanes.count < TaskLanes.mostRemembered {
      lanes.insert(lane)
    } else {
      lanes = []
      isOver = true
    }
  }

  /// Whether what returns in a lane now may have been entered before.
  func mayReturn(in lane: Int, at time: Nanoseconds?) -> Bool {
    guard !isOver, let time, time.isSane, !lanes.contains(lane) else { return false }
    return start.map { time.value - $0.value <= OwnershipCall.longestWait } ?? true
  }
}
