/// What the capture shows of a group, or of everything in it.
public enum Verdict: String, Sendable, CaseIterable {
  /// Every reference that is left belongs to a driver that is bound, or to an owner that has not let go.
  case balanced
  /// A reference is proved to belong to nobody.
  case unbalanced
  /// The evidence does not decide; the report says why.
  case inconclusive
}

/// How firmly a finding stands.
public enum Certainty: String, Sendable, CaseIterable, Comparable {
  /// A pattern alone.
  case suspected
  /// Names joined with other lines that agree.
  case consistent
  /// Arguments or return codes that allow nothing else.
  case proved

  /// Orders from weak to firm.
  public static func < (left: Certainty, right: Certainty) -> Bool {
    left.rank < right.rank
  }

  private var rank: Int {
    switch self {
    case .suspected: 0
    case .consistent: 1
    case .proved: 2
    }
  }
}

/// How much a finding matters to whoever runs the machine.
public enum Severity: String, Sendable, CaseIterable, Comparable {
  /// Worth knowing; nothing is wrong.
  case note
  /// Explains a symptom, or weakens the evidence; not a defect by itself.
  case warning
  /// A defect.
  case error

  /// Orders from mild to grave.
  public static func < (left: Severity, right: Severity) -> Bool {
    left.rank < right.rank
  }

  private var rank: Int {
    switch self {
    case .note: 0
    case .warning: 1
    case .error: 2
    }
  }
}

/// Who owns a group for user-space DMA, `iommu_group::owner`.
public enum Ownership: String, Sendable {
  /// `owner` is NULL: idle, or used by kernel drivers.
  case none
  /// A VFIO container or an iommufd context claimed the group.
  case user
  /// The evidence does not tell.
  case unknown
}

/// What the capture shows of `CONFIG_DEBUG_TEST_DRIVER_REMOVE` in the kernel that made it.
public enum TestDriverRemove: String, Sendable {
  /// Drivers are probed twice and `->dma_cleanup()` is forgotten in between (before 6.6, 6.5.3, 6.4.16, 6.1.53).
  case unfixed
  /// Drivers are probed twice with `->dma_cleanup()` in between (commit f429378a9bf8).
  case fixed
  /// Drivers are probed once.
  case inactive
  /// No complete probe was seen.
  case unknown
}

/// Whether the kernel has the fix of the test-remove leak, by its release and by what the capture shows of it.
public enum FixStanding: String, Sendable, CaseIterable {
  /// Its release lacks the fix, and so it behaves.
  case lacksByRelease = "lacks_by_release"
  /// Its release has the fix, and it behaves as if it had not: a vendor or patched tree, or a lost unuse.
  case lacksInSpite = "lacks_in_spite"
  /// It behaves unfixed, and its release was not captured, or is older than ownership itself.
  case lacksByBehaviour = "lacks_by_behaviour"
  /// Its release has it, and so it behaves.
  case has
  /// Its release lacks it, and it behaves as if it had it.
  case backported
  /// It behaves fixed, and its release says nothing about it.
  case hasByBehaviour = "has_by_behaviour"
  /// No second pass was seen.
  case unknown
}

/// A call that takes, gives back or reads `iommu_group::owner_cnt`.
public enum OwnershipCallKind: String, Sendable, CaseIterable {
  /// `iommu_device_use_default_domain()`: a kernel driver takes a reference.
  case use
  /// `iommu_device_unuse_default_domain()`: a kernel driver gives it back.
  case unuse
  /// `iommu_group_claim_dma_owner()`: a VFIO container claims the group.
  case claim
  /// `iommu_group_release_dma_owner()`: the container lets go; the count becomes 0.
  case release
  /// `iommu_device_claim_dma_owner()`: an iommufd context claims through a device (6.2 and later).
  case deviceClaim = "device_claim"
  /// `iommu_device_release_dma_owner()`: the iommufd context gives one claim back.
  case deviceRelease = "device_release"
  /// `iommu_group_dma_owner_claimed()`: VFIO asks whether the group is viable; changes nothing.
  case query
}
