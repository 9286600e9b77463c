/// What a finding is an instance of. The identifiers are stable: baselines and suppressions name them.
public enum Rule: String, Sendable, CaseIterable {
  /// A driver was probed twice and took a second reference without giving back the first.
  case testRemoveLeak = "test-remove-leak"
  /// A probe failed after taking a reference and never gave it back.
  case probeFailureLeak = "probe-failure-leak"
  /// A driver was unbound and its reference stayed.
  case unbindLeak = "unbind-leak"
  /// A reference was given back that the group did not have.
  case overRelease = "over-release"
  /// A device gave back a reference that another one had taken.
  case stolenCount = "stolen-count"
  /// A bus ignored a refused use and bound the driver all the same.
  case swallowedUseError = "swallowed-use-error"
  /// An owner released a group that nobody owned.
  case releaseUnowned = "release-unowned"
  /// The last device left a group whose count was not 0.
  case groupFreedWithCount = "group-freed-with-count"
  /// A PASID attachment kept a reference from being given back.
  case pasidBlockedUnuse = "pasid-blocked-unuse"
  /// The count is proved above its legitimate holders; what took it is not in the capture.
  case excessCount = "excess-count"
  /// VFIO asked for the group and was told no.
  case notViable = "not-viable"
  /// Another device of the group is bound to a kernel driver, rightly.
  case siblingHolder = "sibling-holder"
  /// Another owner had claimed the group.
  case foreignOwner = "foreign-owner"
  /// The claim was refused because of the domain attached to the group.
  case claimRefusedDomain = "claim-refused-domain"
  /// A kernel driver was refused because the group was owned, as it should be.
  case nativeBindRefused = "native-bind-refused"
  /// This kernel probes every driver twice.
  case testRemoveActive = "test-remove-active"
  /// Part of the evidence is missing.
  case evidenceLost = "evidence-lost"
}
