/// A moment on the capture's own clock, in nanoseconds.
///
/// ftrace prints seconds with six digits, `perf script --ns` nine; clocks that count something else
/// (`counter`, `uptime`, `x86-tsc`) give plain integers, kept here as they are because only their order means
/// anything. Absent (`nil` where optional) in a capture without timestamps.
public struct Nanoseconds: Hashable, Comparable, Sendable {
  /// The value in nanoseconds, or in the clock's own unit where the clock does not count time.
  public var value: Int64

  /// Wraps a raw value.
  public init(_ value: Int64) {
    self.value = value
  }

  /// A time in microseconds; `nil` where it does not fit, so that no sum of times wraps around.
  package init?(microseconds: Int) {
    let (value, isTooLong) = Int64(microseconds).multipliedReportingOverflow(by: 1000)
    if isTooLong { return nil }
    self.value = value
  }

  /// Orders by value; meaningful only within one capture.
  public static func < (left: Nanoseconds, right: Nanoseconds) -> Bool {
    left.value < right.value
  }

  /// `trace_pipe` steps back a little when a slower CPU's data comes late; a reboot steps back by more than this, in
  /// nanoseconds.
  private static let longestStepBack: Int64 = 1_000_000_000

  /// Whether a clock that went from `before` to `time` has been started anew.
  package static func isFarBack(from before: Nanoseconds, to time: Nanoseconds) -> Bool {
    let (step, overflow) = before.value.subtractingReportingOverflow(time.value)
    return step > longestStepBack || overflow && before > time
  }

  /// A century: what lies beyond was damaged or counts something else, and is not fit to calculate with.
  package var isSane: Bool { (0...3_000_000_000_000_000_000).contains(value) }
}

/// The number of an IOMMU group, `iommu_group::id`, as sysfs, QEMU and the kernel log print it.
///
/// The kernel hands out the lowest free number, so one number may name several groups in a capture's life;
/// an *incarnation* tells them apart.
public struct GroupID: Hashable, Comparable, Sendable {
  /// The number.
  public var value: Int

  /// Wraps a number.
  public init(_ value: Int) {
    self.value = value
  }

  /// Orders by number.
  public static func < (left: GroupID, right: GroupID) -> Bool {
    left.value < right.value
  }
}

/// What is known of `iommu_group::owner_cnt` at one moment: it lies between `min` and `max`.
public struct Count: Hashable, Sendable {
  /// The least value that the evidence allows.
  public var min: Int
  /// The greatest value that the evidence allows; `nil` where nothing bounds it.
  public var max: Int?

  /// A range of possible values.
  public init(min: Int, max: Int?) {
    self.min = min
    self.max = max
  }

  /// A value that is known exactly.
  public init(exactly value: Int) {
    self.init(min: value, max: value)
  }

  /// Nothing is known but that a count is never negative.
  public static let unknown = Count(min: 0, max: nil)

  /// The value, where only one is possible.
  public var exact: Int? { min == max ? min : nil }

  /// The values possible under both, or `nil` where they contradict each other.
  public func intersection(_ other: Count) -> Count? {
    let low = Swift.max(min, other.min)
    let high: Int? =
      switch (max, other.max) {
      case (let a?, let b?): Swift.min(a, b)
      case (let a?, nil): a
      case (nil, let b): b
      }
    if let high, low > high { return nil }
    return Count(min: low, max: high)
  }

  /// The greater of two upper bounds; `nil` is no bound.
  package static func greater(_ one: Int?, _ other: Int?) -> Int? {
    if let one, let other { Swift.max(one, other) } else { nil }
  }

  /// The lesser of two upper bounds; `nil` is no bound.
  package static func lesser(_ one: Int?, _ other: Int?) -> Int? {
    if let one, let other { Swift.min(one, other) } else { one ?? other }
  }

  /// Every value moved by `delta`, and never below zero.
  public func shifted(by delta: Int) -> Count {
    Count(min: Swift.max(0, min + delta), max: max.map { Swift.max(0, $0 + delta) })
  }
}

/// Where a fact was read: a source of the incident and a line of it.
public struct LineReference: Hashable, Comparable, Sendable {
  /// The source in the upper 20 bits, the line in the others: calls keep several of these.
  private var packed: UInt64

  private static let lineBits: UInt64 = 44
  private static let mostLines: UInt64 = 1 << lineBits - 1
  private static let mostSources: UInt64 = 1 << (64 - lineBits) - 1

  /// Index into `Report.sources`, below 2^20.
  public var source: Int {
    get { Int(packed >> Self.lineBits) }
    set { self = LineReference(source: newValue, line: line) }
  }

  /// Line number after decompression, from 1 and below 2^44; 0 where no line was read.
  public var line: Int {
    get { Int(packed & Self.mostLines) }
    set { self = LineReference(source: source, line: newValue) }
  }

  /// A line of a source.
  public init(source: Int, line: Int) {
    packed =
      min(UInt64(max(0, source)), Self.mostSources) << Self.lineBits
      | min(UInt64(max(0, line)), Self.mostLines)
  }

  /// Orders by source, then by line.
  public static func < (left: LineReference, right: LineReference) -> Bool {
    left.packed < right.packed
  }
}
