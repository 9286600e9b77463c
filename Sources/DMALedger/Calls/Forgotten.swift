/// What was given up because there was more of it than is followed. The report says so.
struct Forgotten: Sendable {
  enum Kind: Int, Sendable, CaseIterable {
    /// Calls that were entered and never seen to return.
    case calls
    case windows
    case groups
    case devices
    case names
    /// Uses of devices that had no group.
    case uses
    /// Boots of kernel logs, of which only the warnings are kept.
    case boots
    /// Warnings of kernel logs.
    case warnings
    /// Devices and groups of listings and of programs' logs.
    case places
  }

  /// How often each kind was given up, and where first.
  private(set) var counts: [(count: Int, first: LineReference)?] = Kind.allCases.map { _ in nil }

  mutating func note(_ kind: Kind, _ at: LineReference) {
    counts[kind.rawValue] = (
      counts[kind.rawValue].map { $0.count + 1 } ?? 1, counts[kind.rawValue]?.first ?? at
    )
  }

  /// Whether anything was given up.
  var hasAny: Bool { counts.contains { $0 != nil } }

  /// What to tell of it.
  var diagnostics: [Diagnostic] {
    Kind.allCases.compactMap { kind in
      counts[kind.rawValue].map { count, first in
        Diagnostic(
          level: .warning, source: first.source, line: first.line,
          message: Self.words(kind, count) + "; whatever depends on that is not known")
      }
    }
  }

  private static func words(_ kind: Kind, _ count: Int) -> String {
    switch kind {
    case .calls:
      "\(counted(count, "call was", "calls were")) given up, because more were entered and not seen to return than are followed at once "
        + "(\(TaskLanes.limit) tasks, \(TaskLanes.mostAtGroup) calls at one group)"
    case .windows:
      "\(counted(count, "probe was", "probes were")) given up, because more had begun and not ended than are followed at once"
    case .groups:
      "\(counted(count, "call is on a group", "calls are on groups")) beyond those that are followed"
    case .devices: "\(counted(count, "device is", "devices are")) beyond those that are followed in groups"
    case .names:
      "\(counted(count, "line names", "lines name")) a device that there was no room for among so many names"
    case .boots:
      "what \(count) boots of the kernel logs tell of devices was given up, because it is more than is kept"
    case .warnings:
      "\(count) of the kernel's warnings \(count == 1 ? "is" : "are") beyond those that are kept"
    case .places:
      "\(counted(count, "line of listings and programs is", "lines of listings and programs are")) about devices or groups "
        + "beyond those that are kept"
    case .uses: "uses of devices without a group were given up, because there were too many of them"
    }
  }
}
