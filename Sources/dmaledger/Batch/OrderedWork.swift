import DMALedger

/// Work done by several threads whose results come out in the order of the items.
///
/// No thread runs further ahead of the slowest item than `window` results: memory does not grow with the number of
/// items. Plain threads, because the work blocks on files, which the tasks of Swift shall not.
final class OrderedWork<Output: Sendable>: @unchecked Sendable {
  private let count: Int
  private let work: @Sendable (Int) -> Output
  private let monitor = Monitor()
  private var threads: [WorkerThread] = []

  // Everything below is touched under the monitor only.
  private var results: [Output?]
  private var started = 0
  private var taken = 0
  private var isStopped = false

  /// Begins to work on `count` items with `jobs` threads.
  init(count: Int, jobs: Int, window: Int, work: @escaping @Sendable (Int) -> Output) {
    self.count = count
    self.work = work
    results = [Output?](repeating: nil, count: max(window, jobs, 1))
    threads = (0..<min(max(jobs, 1), count)).compactMap { _ in WorkerThread { self.run() } }
  }

  /// The result of the next item, as soon as it is there; `nil` behind the last.
  func next() -> Output? {
    guard !threads.isEmpty else {
      // Without any thread the work is done here.
      taken += 1
      return taken <= count ? work(taken - 1) : nil
    }
    return monitor.locked {
      guard taken < count else { return nil }
      let place = taken % results.count
      while results[place] == nil { monitor.wait() }
      let result = results[place]
      results[place] = nil
      taken += 1
      monitor.wakeAll()
      return result
    }
  }

  /// Ends the threads behind the items they are at. Without it they would wait for room for ever.
  func stop() {
    monitor.locked {
      isStopped = true
      monitor.wakeAll()
    }
    for thread in threads { thread.join() }
    threads = []
  }

  private func run() {
    while let index = begin() {
      let output = work(index)
      monitor.locked {
        results[index % results.count] = output
        if index == taken { monitor.wakeAll() }
      }
    }
  }

  private func begin() -> Int? {
    monitor.locked {
      while !isStopped, started < count, started >= taken + results.count { monitor.wait() }
      guard !isStopped, started < count else { return nil }
      started += 1
      return started - 1
    }
  }
}
