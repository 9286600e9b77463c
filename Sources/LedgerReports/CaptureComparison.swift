public import DMALedger

/// Where the ownership of groups goes different ways in two captures, as of a good and of a bad boot.
///
/// What differs from boot to boot without meaning is left out: times, tasks, CPUs, the numbers of groups and the
/// addresses of devices. The rules:
///
/// * Groups are paired by what they consist of: first those with the same devices and drivers, then the same drivers,
///   the same devices, at last any driver in common; among equals in the order of their numbers.
/// * Inside a pair, devices are paired by driver and the order of their first call. The calls of a device are compared
///   one by one with those of its partner, because devices that are probed side by side come in any order. Claims and
///   releases of the group are a sequence of their own. Queries change nothing and are left out.
/// * Two calls differ where kind, driver or return code do, or where the counts behind them exclude each other; counts
///   are compared in groups of one device only, elsewhere others have a part in them. What one capture does not tell
///   differs from nothing.
/// * Calls that only one capture has at its end are a difference where the counts at the end exclude each other; a
///   recording that was stopped later is none.
public struct CaptureComparison: Sendable {
  /// A group of each capture that are compared with each other, or one that has no partner.
  public struct Pair: Sendable {
    /// The group of the first capture, as an index into its report.
    public var good: Int?
    /// The group of the second.
    public var bad: Int?
    /// Where they part, if they do.
    public var divergence: Divergence?
  }

  /// The first place where two groups differ.
  public struct Divergence: Sendable {
    /// The last call that both have, on each side.
    public var before: (good: Change, bad: Change)?
    /// What the first capture does then; `nil` where it does nothing more.
    public var good: Change?
    /// What the second does.
    public var bad: Change?
    /// Whether evidence on both sides is firm enough to call it a difference.
    public var isFirm: Bool
  }

  /// What the comparison comes to.
  public enum Result: Sendable {
    /// No group differs.
    case same
    /// A group differs, by evidence that is firm on both sides.
    case different
    /// The evidence does not decide.
    case undecided
  }

  /// All pairs, in the order of the first capture's groups, then the second's without partner.
  public let pairs: [Pair]
  /// What they come to.
  public let result: Result

  /// Compares a capture that is as it should be with another.
  public init(good: Report, bad: Report) {
    pairs = Self.pairs(good, bad).map { pair in
      var pair = pair
      pair.divergence = Self.divergence(
        pair.good.map { good.groups[$0] }, pair.bad.map { bad.groups[$0] })
      return pair
    }
    if pairs.contains(where: { $0.divergence?.isFirm == true }) {
      result = .different
    } else if pairs.contains(where: { $0.divergence != nil }) || good.verdict == .inconclusive
      || bad.verdict == .inconclusive || pairs.isEmpty
    {
      result = .undecided
    } else {
      result = .same
    }
  }

  // MARK: - Which group is which

  private static func pairs(_ good: Report, _ bad: Report) -> [Pair] {
    var partner = [Int?](repeating: nil, count: good.groups.count)
    var isTaken = [Bool](repeating: false, count: bad.groups.count)
    let goodParts = good.groups.map(Parts.init)
    let badParts = bad.groups.map(Parts.init)
    let rules: [(Parts, Parts) -> Bool] = [
      { $0.devices == $1.devices && $0.drivers == $1.drivers },
      { $0.drivers == $1.drivers && !$0.drivers.isEmpty },
      { $0.devices == $1.devices && !$0.devices.isEmpty },
      { !$0.drivers.isDisjoint(with: $1.drivers) },
    ]
    for isSame in rules {
      for index in partner.indices where partner[index] == nil {
        let found = badParts.indices.first { !isTaken[$0] && isSame(goodParts[index], badParts[$0]) }
        guard let found else { continue }
        partner[index] = found
        isTaken[found] = true
      }
    }
    return partner.enumerated().map { Pair(good: $0.offset, bad: $0.element) }
      + isTaken.indices.filter { !isTaken[$0] }.map { Pair(good: nil, bad: $0) }
  }

  /// What a group consists of.
  private struct Parts {
    var devices: Set<String>
    var drivers: Set<String>

    init(_ group: GroupReport) {
      devices = Set(group.devices.map(\.name))
      // Behind a user-space driver the group is the same one; it is what was there before that tells groups apart.
      drivers = Set(group.devices.compactMap(\.driver) + group.changes.compactMap(\.driver))
        .subtracting(["vfio-pci", "pci-stub"])
    }
  }

  // MARK: - Where they part

  private static func divergence(_ good: GroupReport?, _ bad: GroupReport?) -> Divergence? {
    guard let good, let bad else {
      // Only one capture has seen the group. Its calls may lie outside of the other recording.
      guard let first = (good ?? bad)?.changes.first(where: { $0.call != .query }) else { return nil }
      return Divergence(
        good: good == nil ? nil : first, bad: bad == nil ? nil : first, isFirm: false)
    }
    let isFirm = good.verdict != .inconclusive && bad.verdict != .inconclusive
    let lanes = Lane.partners(good, bad)
    let comparesCounts = lanes.filter { !$0.isGroup }.count <= 1
    var found: [Divergence] = []
    for lane in lanes {
      let steps = zip(lane.good, lane.bad)
      if let place = steps.enumerated().first(where: { !isAlike($1.0, $1.1, comparesCounts) }) {
        let index = place.offset
        found.append(
          Divergence(
            before: index > 0 ? (lane.good[index - 1], lane.bad[index - 1]) : nil, good: lane.good[index],
            bad: lane.bad[index],
            isFirm: isFirm && lane.good[index].certainty > .suspected
              && lane.bad[index].certainty > .suspected))
      } else if lane.good.count != lane.bad.count, good.final.intersection(bad.final) == nil {
        let index = min(lane.good.count, lane.bad.count)
        found.append(
          Divergence(
            before: index > 0 ? (lane.good[index - 1], lane.bad[index - 1]) : nil,
            good: lane.good.dropFirst(index).first, bad: lane.bad.dropFirst(index).first, isFirm: isFirm))
      }
    }
    // The one that the second capture shows first.
    return found.min { ($0.bad ?? $0.good)?.at ?? .none < ($1.bad ?? $1.good)?.at ?? .none }
  }

  private static func isAlike(_ good: Change, _ bad: Change, _ comparesCounts: Bool) -> Bool {
    func agrees<Value: Equatable>(_ left: Value?, _ right: Value?) -> Bool {
      left == nil || right == nil || left == right
    }
    return good.call == bad.call && agrees(good.driver, bad.driver) && agrees(good.result, bad.result)
      && (!comparesCounts || good.after.intersection(bad.after) != nil)
  }

  /// The calls of a device and of its partner, or those of the group itself.
  private struct Lane {
    var isGroup = false
    var good: [Change]
    var bad: [Change]

    static func partners(_ good: GroupReport, _ bad: GroupReport) -> [Lane] {
      let left = devices(of: good)
      var right = devices(of: bad)
      var lanes: [Lane] = []
      for changes in left {
        let place = right.firstIndex { $0.first?.driver == changes.first?.driver }
        lanes.append(Lane(good: changes, bad: place.map { right.remove(at: $0) } ?? []))
      }
      lanes += right.map { Lane(good: [], bad: $0) }
      let own = { (group: GroupReport) in group.changes.filter { $0.device == nil && $0.call != .query } }
      return lanes + [Lane(isGroup: true, good: own(good), bad: own(bad))]
    }

    /// The calls of each device, in the order of their first.
    private static func devices(of group: GroupReport) -> [[Change]] {
      var names: [String] = []
      var changes: [[Change]] = []
      for change in group.changes where change.call != .query {
        guard let device = change.device else { continue }
        if let place = names.firstIndex(of: device) {
          changes[place].append(change)
        } else {
          names.append(device)
          changes.append([change])
        }
      }
      return changes
    }
  }
}

extension LineReference {
  fileprivate static let none = LineReference(source: .max, line: .max)
}
