extension CountHistory {
  /// What one of several calls found and left that can have come in several orders.
  package struct Spread: Sendable {
    /// Over all orders.
    private var found: Count
    private var left: Count
    /// The same, less the count before the first of the calls.
    private var foundShift: ClosedRange<Int>
    private var leftShift: ClosedRange<Int>

    /// In one order, where the count was `start` before all of them.
    init(start: Int, found: Int, left: Int) {
      self.found = Count(exactly: found)
      self.left = Count(exactly: left)
      foundShift = found - start...found - start
      leftShift = left - start...left - start
    }

    /// Over the orders of both.
    func joined(with other: Spread) -> Spread {
      var joined = self
      joined.found = Self.hull(found, other.found)
      joined.left = Self.hull(left, other.left)
      joined.foundShift = Self.hull(foundShift, other.foundShift)
      joined.leftShift = Self.hull(leftShift, other.leftShift)
      return joined
    }

    /// The same where counts above those that were tried are possible, too.
    func opened(_ isOpen: Bool) -> Spread {
      var opened = self
      if isOpen {
        opened.found.max = nil
        opened.left.max = nil
      }
      return opened
    }

    /// Whether all orders agree.
    var isOne: Bool { foundShift.count == 1 && leftShift.count == 1 }

    /// What it comes to where the count before the first of the calls is known better by now.
    func counts(from start: Count) -> (before: Count, after: Count) {
      (Self.shift(start, foundShift, within: found), Self.shift(start, leftShift, within: left))
    }

    private static func shift(_ start: Count, _ shift: ClosedRange<Int>, within all: Count) -> Count {
      let shifted = Count(
        min: max(0, start.min + shift.lowerBound), max: start.max.map { max(0, $0 + shift.upperBound) })
      return shifted.intersection(all) ?? all
    }

    private static func hull(_ one: Count, _ other: Count) -> Count {
      Count(min: min(one.min, other.min), max: Count.greater(one.max, other.max))
    }

    private static func hull(_ one: ClosedRange<Int>, _ other: ClosedRange<Int>) -> ClosedRange<Int> {
      min(one.lowerBound, other.lowerBound)...max(one.upperBound, other.upperBound)
    }
  }

  /// Calls that may have come with a step, before or behind it: by how much they may have moved the count.
  package struct Company: Sendable {
    private var low = 0
    private var high = 0

    mutating func join(low: Int, high: Int) {
      self.low += low
      self.high += high
    }

    /// What the step itself found, where this was there before all of them.
    func before(_ count: Count) -> Count {
      Count(min: max(0, count.min + low), max: count.max.map { $0 + high })
    }

    /// What it left itself, where this is what all of them left.
    func after(_ count: Count) -> Count {
      Count(min: max(0, count.min - high), max: count.max.map { $0 - low })
    }
  }
}
