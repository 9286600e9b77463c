#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Work done by several threads whose results come out in the order of the items.
///
/// No thread runs further ahead of the slowest item than `window` results: memory does not grow with the number of
/// items. Plain threads, because the work blocks on files, which the tasks of Swift shall not.
final class OrderedWork<Output: Sendable>: ThreadBody, @unchecked Sendable {
  private let count: Int
  private let work: @Sendable (Int) -> Output
  private let lock = Lock()

  // Everything below is touched under the lock only.
  private var results: [Output?]
  private var started = 0
  private var taken = 0
  private var isStopped = false
  private var threads = 0

  /// Begins to work on `count` items with `jobs` threads.
  init(count: Int, jobs: Int, window: Int, work: @escaping @Sendable (Int) -> Output) {
    self.count = count
    self.work = work
    results = [Output?](repeating: nil, count: max(window, jobs, 1))
    super.init()
    lock.enter()
    for _ in 0..<min(max(jobs, 1), count) where startThread() { threads += 1 }
    lock.leave()
  }

  /// The result of the next item, as soon as it is there; `nil` behind the last.
  func next() -> Output? {
    lock.enter()
    defer { lock.leave() }
    guard taken < count else { return nil }
    // Without any thread the work is done here.
    if threads == 0 {
      taken += 1
      return work(taken - 1)
    }
    let place = taken % results.count
    while results[place] == nil { lock.wait() }
    defer {
      results[place] = nil
      taken += 1
      lock.wakeAll()
    }
    return results[place]
  }

  /// Lets the threads end after the items they are at. Without it they would wait for room for ever.
  func stop() {
    lock.enter()
    isStopped = true
    lock.wakeAll()
    lock.leave()
  }

  override func run() {
    while let index = begin() {
      let output = work(index)
      lock.enter()
      results[index % results.count] = output
      if index == taken { lock.wakeAll() }
      lock.leave()
    }
  }

  private func begin() -> Int? {
    lock.enter()
    defer { lock.leave() }
    while !isStopped, started < count, started >= taken + results.count { lock.wait() }
    guard !isStopped, started < count else { return nil }
    started += 1
    return started - 1
  }
}

/// What a thread does. A class of its own, because a C function cannot know a generic type.
class ThreadBody: @unchecked Sendable {
  func run() {}

  /// Whether there is a thread now that does it. It keeps this object alive until it ends.
  final func startThread() -> Bool {
    let context = unsafe Unmanaged.passRetained(self)
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, nil,
      { context in
        if let context = unsafe context {
          unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
      }, context.toOpaque())
    if code != 0 { unsafe context.release() } else { pthread_detach(thread) }
    return code == 0
  }
}

/// A mutex with a condition; the mutex of Swift's `Synchronization` has none to wait for.
@safe private final class Lock: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe pthread_cond_destroy(condition)
    unsafe mutex.deallocate()
    unsafe condition.deallocate()
  }

  func enter() { unsafe pthread_mutex_lock(mutex) }
  func leave() { unsafe pthread_mutex_unlock(mutex) }
  func wait() { unsafe pthread_cond_wait(condition, mutex) }
  func wakeAll() { unsafe pthread_cond_broadcast(condition) }
}
