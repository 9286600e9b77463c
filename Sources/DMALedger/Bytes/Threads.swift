#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A lock with a place to wait at. The standard library has locks but no such place.
@safe package final class Monitor: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init() {
    // Safe: Allocated once, freed in `deinit`, and never moved: what the system asks of them.
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    // Safe: Whoever lets go of the monitor last does so with nobody waiting.
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs `body` while nobody else holds the lock.
  package func locked<Result>(_ body: () -> Result) -> Result {
    // Safe: It lives as long as the monitor, which the caller holds.
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Lets go of the lock until somebody calls ``wakeAll()``. Call with the lock held, and look again behind it.
  package func wait() {
    // Safe: As above; the lock is held, by contract.
    unsafe pthread_cond_wait(condition, mutex)
  }

  /// Call with the lock held.
  package func wakeAll() {
    // Safe: As above.
    unsafe pthread_cond_broadcast(condition)
  }
}

/// A thread of the operating system that runs one body to its end.
@safe package struct WorkerThread: @unchecked Sendable {
  private let thread: pthread_t

  /// `nil` where the system gives no thread: the caller does the work itself.
  package init?(_ body: @escaping @Sendable () -> Void) {
    // Safe: The box is retained for the thread, which takes it over, or released here where there is none.
    let box = unsafe Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, nil,
      { context in
        if let context = unsafe context {
          unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      unsafe box.release()
      return nil
    }
    self.thread = thread
  }

  /// Waits for its end. Call once.
  package func join() {
    _ = pthread_join(thread, nil)
  }

  private final class Body {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
