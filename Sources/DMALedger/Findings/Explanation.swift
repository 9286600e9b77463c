/// The page of a rule: what `dmaledger explain` prints and what other outputs quote.
///
/// Every section is plain ASCII. Paragraphs are separated by an empty line and hold no other line break, so
/// that a renderer wraps them to its own width.
public struct Explanation: Sendable {
  /// What happened, in a line, without a full stop.
  public let title: String
  /// What went on in the kernel, with the functions and versions concerned.
  public let meaning: String
  /// How it is recognised, and what makes it proved, consistent or suspected.
  public let evidence: String
  /// What looks the same and is something else.
  public let lookAlikes: String
  /// What to do, and what to leave alone.
  public let remedy: String
}

extension Rule {
  /// The page that explains this rule.
  public var explanation: Explanation {
    switch self {
    case .testRemoveLeak: TestRemoveLeak.explanation
    case .probeFailureLeak: ProbeFailureLeak.explanation
    case .unbindLeak: UnbindLeak.explanation
    case .overRelease: OverRelease.explanation
    case .stolenCount: StolenCount.explanation
    case .swallowedUseError: SwallowedUseError.explanation
    case .releaseUnowned: ReleaseUnowned.explanation
    case .groupFreedWithCount: GroupFreedWithCount.explanation
    case .pasidBlockedUnuse: PasidBlockedUnuse.explanation
    case .excessCount: ExcessCount.explanation
    case .notViable: NotViable.explanation
    case .siblingHolder: SiblingHolder.explanation
    case .foreignOwner: ForeignOwner.explanation
    case .claimRefusedDomain: ClaimRefusedDomain.explanation
    case .nativeBindRefused: NativeBindRefused.explanation
    case .testRemoveActive: TestRemoveActive.explanation
    case .evidenceLost: EvidenceLost.explanation
    }
  }

  /// How much a finding of this rule matters unless its circumstances say otherwise: a `notViable` whose
  /// cause is a leak is an error.
  public var defaultSeverity: Severity {
    switch self {
    case .testRemoveLeak, .probeFailureLeak, .unbindLeak, .overRelease, .stolenCount, .swallowedUseError,
      .releaseUnowned, .groupFreedWithCount, .pasidBlockedUnuse, .excessCount:
      .error
    case .notViable, .siblingHolder, .foreignOwner, .claimRefusedDomain: .warning
    case .nativeBindRefused, .testRemoveActive, .evidenceLost: .note
    }
  }
}
