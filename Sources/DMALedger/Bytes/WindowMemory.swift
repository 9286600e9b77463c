/// The memory that the windows of zstd frames may take at one time, in all threads of a run together.
///
/// A frame says in its header how far back it refers: up to two gigabytes, which a decoder has to keep. Whoever decodes
/// one asks for the window first, waits until there is room, and gives it back as soon as the frames are read. Nobody who
/// has one asks for another before that, so that somebody always goes on.
package final class WindowMemory: Sendable {
  /// Bytes in all; a frame that wants more is refused.
  package let limit: Int
  private let state: State

  package init(limit: Int) {
    self.limit = limit
    state = State()
  }

  /// What is taken, guarded by its monitor.
  private final class State: @unchecked Sendable {
    let monitor = Monitor()
    var taken = 0
    var mostTaken = 0
    // Served in the order of asking: small windows would keep a large one waiting for ever.
    var lastTicket = 0
    var nextTicket = 0
  }

  /// The most that was taken at one time, in bytes.
  package var mostTaken: Int { state.monitor.locked { state.mostTaken } }

  /// Waits until `bytes` are free and takes them; at most ``limit``.
  fileprivate func take(_ bytes: Int) {
    state.monitor.locked {
      let ticket = state.lastTicket
      state.lastTicket += 1
      while state.nextTicket != ticket || state.taken + bytes > limit { state.monitor.wait() }
      state.nextTicket += 1
      state.taken += bytes
      state.mostTaken = max(state.mostTaken, state.taken)
      state.monitor.wakeAll()
    }
  }

  fileprivate func giveBack(_ bytes: Int) {
    state.monitor.locked {
      state.taken -= bytes
      state.monitor.wakeAll()
    }
  }

  /// What one decoder has of it.
  package struct Share: ~Copyable {
    private let memory: WindowMemory
    /// Bytes.
    package private(set) var size = 0

    package init(of memory: WindowMemory) {
      self.memory = memory
    }

    var limit: Int { memory.limit }

    /// Takes a window in the place of the former one, which must be free by now.
    package mutating func exchange(for bytes: Int) {
      giveBack()
      memory.take(bytes)
      size = bytes
    }

    package mutating func giveBack() {
      if size > 0 { memory.giveBack(size) }
      size = 0
    }

    deinit {
      if size > 0 { memory.giveBack(size) }
    }
  }
}
